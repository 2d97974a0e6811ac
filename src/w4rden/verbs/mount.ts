import { closeSync } from "node:fs";
import { idMap, ID_MAP_OPTIONS } from "../../os/id-map.ts";
import { whyForbidden } from "../../platforms/owners.ts";
import type { MountRequest } from "../../wire/w4rden.ts";
import type { Bound } from "../binds.ts";
import type { VerbContext } from "../context.ts";
import { checkListed } from "../mounts-list.ts";
import { openFolder } from "../open-folder.ts";
import { Refusal } from "../refusal.ts";

/** Binds a folder for the daemon, until it is released. */
export function mount(request: MountRequest, context: VerbContext): { owner: { uid: number; gid: number }; bound: Bound } {
  const { folder, mode, map } = request;
  checkListed(folder, mode, context);
  const open = openFolder(folder);
  try {
    const { uid, gid } = open.stat;
    const options = { mode, forDaemon: true, map: map && mapOf(map, { uid, gid }, context) };
    return { owner: { uid, gid }, bound: context.binds.bind(open, options) };
  } finally {
    closeSync(open.fd);
  }
}

function mapOf({ owner, agent }: NonNullable<MountRequest["map"]>, found: { uid: number; gid: number }, { range }: VerbContext) {
  if (owner.uid !== found.uid || owner.gid !== found.gid)
    throw new Refusal(
      `no id map: the folder belongs to ${idsOf(found)}, and the approved mount is of ${idsOf(owner)}: give it back (chown), or have the mount approved again`,
    );
  const why = whyForbidden(owner);
  if (why !== undefined) throw new Refusal(`no id map: ${why}`);
  if (agent < range.first || agent >= range.first + range.count)
    throw new Refusal(`no id map: uid ${agent} is not one of this hive's`);
  const ids = idMap(owner, { uid: agent, gid: agent });
  return { options: `${ID_MAP_OPTIONS}${ids}`, uid: agent };
}

const idsOf = ({ uid, gid }: { uid: number; gid: number }): string => `uid ${uid}, gid ${gid}`;
