import { closeSync } from "node:fs";
import { ID_MAP_OPTION, idMap } from "../../os/id-map.ts";
import { whyForbidden } from "../../platforms/owners.ts";
import type { ContainerStartRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { checkListed, isWithin } from "../mounts-list.ts";
import { Refusal } from "../refusal.ts";
import { openSource, type OpenSource } from "./source.ts";
import type { SourceBind } from "./host.ts";

/** A folder of a container that is open and may be bound. */
export interface CheckedFolder {
  source: OpenSource;
  cage: string;
  bind: SourceBind;
}

/** The user that an agent is in its container. */
const CAGE_UID = 1000;

/**
 * Opens the folders of a container. Each is one of the hive's own, and belongs to the daemon or to this agent; or it is in
 * root's list of mounts. With an `owner` it belongs to that person, as whom the agent writes. Throws a `Refusal`, and
 * leaves none open then.
 */
export function openFolders(
  { binds, uid }: Pick<ContainerStartRequest, "binds" | "uid">,
  firstUid: number,
  context: VerbContext,
  root: string,
): CheckedFolder[] {
  const open: CheckedFolder[] = [];
  try {
    for (const { folder, cage, mode, owner } of binds) {
      const source = openSource(folder, root);
      const agent = { disk: owner ?? { uid, gid: uid }, uid: firstUid + CAGE_UID };
      // To connect to a socket, its owner has to be known. In what it may write, the container's root is nobody: it could
      // leave files of the daemon's user there.
      const isOfDaemon = owner === undefined && mode === "ro";
      const map = mapOf(isOfDaemon ? [agent, { disk: context.account, uid: firstUid }] : [agent]);
      open.push({ source, cage, bind: { mode, map } });
      checkFolder({ folder, mode, owner, uid }, source, context);
    }
    return open;
  } catch (error) {
    closeFolders(open);
    throw error;
  }
}

export function closeFolders(open: readonly CheckedFolder[]): void {
  for (const { source } of open) closeSync(source.fd);
}

function checkFolder(
  { folder, mode, owner, uid }: Omit<ContainerStartRequest["binds"][number], "cage"> & { uid: number },
  { stat }: OpenSource,
  context: VerbContext,
): void {
  if (owner) {
    if (stat.uid !== owner.uid || stat.gid !== owner.gid)
      throw new Refusal(
        `no id map for ${folder}: it belongs to uid ${stat.uid}, gid ${stat.gid}. Give the folder back to the user who owned it when the mount was approved, or propose the mount again`,
      );
    const why = whyForbidden(owner);
    if (why !== undefined) throw new Refusal(`no id map for ${folder}: ${why}`);
  }
  const isOwn = [context.state, context.run].some((own) => folder !== own && isWithin(folder, own));
  if (!isOwn) return checkListed(folder, mode, context);
  if (!owner && stat.uid !== context.account.uid && stat.uid !== uid)
    throw new Refusal(`${folder} belongs to uid ${stat.uid}, neither the daemon's nor the agent's`);
}

/** An id map of mounts. Users and their groups are mapped alike. */
function mapOf(users: readonly { disk: { uid: number; gid: number }; uid: number }[]): SourceBind["map"] {
  const ids = users.map(({ disk, uid }) => idMap(disk, { uid, gid: uid })).join(" ");
  return { options: `${ID_MAP_OPTION}${ids}`, users: new Map(users.map(({ disk, uid }) => [disk.uid, uid])) };
}
