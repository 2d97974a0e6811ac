import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Identity } from "../platforms/port.ts";
import type { MountTrial } from "../deploys/deploy-context.ts";
import type { Paths } from "../lib/paths.ts";
import { accessFromCage, type FolderAccess } from "../os/folder-access.ts";
import { idMap, type Ids } from "../os/id-map.ts";
import type { SandboxedRun } from "../os/sandboxed-run.ts";
import type { MountOwners } from "../store/approvals.ts";
import type { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import { whyNotAs } from "./owner-maps.ts";
import type { W4rden } from "./w4rden.ts";

/** The checkout. This file is in its folder `dist` once it is bundled. */
const PROGRAM = dirname(import.meta.dirname);

type Mount = AgentConfig["mounts"][number];

/**
 * Folders of the running system. They show every process and device, and they contain sockets of services that amount
 * to root access (docker, dbus). A read-only mount does not block those sockets.
 */
const HOST_ONLY = ["/proc", "/sys", "/dev", "/run"];

/**
 * The host folder of a mount, with links resolved. Throws if it does not exist, contains the hive's own files, or is
 * inside one of the hive's folders; also if an agent could write the program of the hive.
 */
export function mountSource(mount: Mount, paths: Paths, w4rden?: unknown): string {
  let host = mount.host;
  try {
    // Root's helper opens folders that we cannot enter. It follows no link.
    if (w4rden === undefined) host = realpathSync(mount.host);
  } catch {
    throw new HiveError("not_found", `mounts: ${mount.host} does not exist on this host`);
  }
  for (const own of [paths.state, paths.run].map((folder) => realpathSync(folder))) {
    if (isNested(host, own)) {
      throw new HiveError("forbidden", `mounts: ${mount.host} contains the hive's own files, or is one of them`);
    }
  }
  if (mount.mode === "rw" && [PROGRAM, process.execPath].some((one) => isNested(host, one)))
    throw new HiveError(
      "forbidden",
      `mounts: ${mount.host} contains the program of the hive, or is part of it: an agent could change what you run. Mount it read-only`,
    );
  return host;
}

/** True if one of two paths is, or contains, the other. */
const isNested = (one: string, other: string): boolean =>
  one === other || one.startsWith(`${other}/`) || other.startsWith(one === "/" ? "/" : `${one}/`);

/** Who tries a mount, and how. */
export interface MountTester {
  /** The identity that the agent has or will have. */
  identity: Identity;
  paths: Paths;
  sandboxedRun: SandboxedRun;
  /** Binds the folders, where root has started the daemon through it. */
  w4rden?: Pick<W4rden, "mount"> | undefined;
}

/**
 * Tries each mount of a new request in a sandbox that runs as the agent will. Resolves with the access that it
 * gives, or with why it cannot work. A folder that only its owner can write is tried through an id map. With
 * `approved`, only those maps are used, because the agent gets exactly what the operator was shown.
 */
export function tryMounts(mounts: readonly Mount[], as: MountTester, approved?: MountOwners): Promise<MountTrial[]> {
  return Promise.all(
    mounts.map(async (mount): Promise<MountTrial> => {
      try {
        return { mount, problem: undefined, ...(await tryMount(mount, as, approved)) };
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        return { mount, problem: words.startsWith("mounts: ") ? words : `mounts: ${words}` };
      }
    }),
  );
}

async function tryMount(mount: Mount, as: MountTester, approved: MountOwners | undefined): Promise<Partial<MountTrial>> {
  const { identity } = as;
  const host = mountSource(mount, as.paths, as.w4rden);
  // A config that was approved under earlier rules can still be deployed.
  const live = HOST_ONLY.find((one) => host === one || host.startsWith(`${one}/`));
  if (live !== undefined && approved === undefined)
    throw new HiveError("forbidden", `mounts: ${mount.host} is part of the running host (${live}): no agent can have it`);
  // A user who can change a link on the path could choose another folder after the approval.
  if (host !== mount.host) return { problem: `mounts: ${mount.host} goes through a symbolic link; use ${host}` };
  const { found, access } = await tryAs(host, mount.mode, as);
  const who = identity.kind === "host-uid" ? `the agent (a user of its own on this host)` : `the agent (uid ${identity.uid})`;

  const before = approved?.[mount.cage];
  if (before !== undefined) {
    if (before.uid !== found.uid || before.gid !== found.gid)
      return {
        problem: `mounts: ${host} belonged to ${idsText(before)} when it was requested, and now belongs to ${idsText(found)}: request it again`,
      };
    const why = await whyNotThrough(host, before, as);
    return why === undefined ? { owner: before } : { problem: `mounts: ${host} cannot be written by ${who}: ${why}` };
  }

  const { readable, writable } = await access();
  if (readable && (writable || mount.mode === "ro")) return {};
  if (mount.mode === "rw" && identity.kind === "host-uid" && approved === undefined) {
    const owner = { uid: found.uid, gid: found.gid };
    const why = await whyNotThrough(host, owner, as);
    if (why === undefined) return { owner };
    return { problem: `${refused(host, who, readable)}. It cannot be written as its owner either: ${why}` };
  }
  return { problem: refused(host, who, readable) };
}

/** Whose the folder is, and what the agent may do there as itself. */
async function tryAs(host: string, mode: Mount["mode"], { identity, sandboxedRun, w4rden }: MountTester) {
  if (w4rden) {
    const held = await w4rden.mount(host, mode);
    try {
      const access = await accessFromCage(sandboxedRun, held.path, identity, mode);
      return { found: held.owner, access: () => Promise.resolve(access) };
    } finally {
      held.release();
    }
  }
  const found = statSync(host);
  if (!found.isDirectory()) throw new HiveError("bad_request", `mounts: ${host} is not a folder`);
  return { found, access: () => accessFromCage(sandboxedRun, host, identity, mode) };
}

/** What the agent may do in the folder as its owner. */
async function accessThrough(host: string, owner: Ids, { identity, sandboxedRun, w4rden }: MountTester): Promise<FolderAccess> {
  if (!w4rden) return accessFromCage(sandboxedRun, host, identity, "rw", idMap(owner, identity));
  const held = await w4rden.mount(host, "rw", { owner, agent: identity.uid });
  try {
    return await accessFromCage(sandboxedRun, held.path, identity, "rw");
  } finally {
    held.release();
  }
}

function refused(host: string, who: string, readable: boolean): string {
  return readable
    ? `mounts: ${host} cannot be written by ${who}: use "ro", or let others write there (chmod o+w, setfacl)`
    : `mounts: ${host} cannot be read by ${who}: open it to others, or give its group an ACL`;
}

/** Why an agent cannot write the folder through an id map. Undefined if it can. */
async function whyNotThrough(host: string, owner: Ids, as: MountTester): Promise<string | undefined> {
  const why = await whyNotAs(owner);
  if (why !== undefined) return why;
  let access;
  try {
    access = await accessThrough(host, owner, as);
  } catch (error) {
    return `its file system or this kernel does not support id maps (${error instanceof Error ? error.message : String(error)})`;
  }
  return access.readable && access.writable ? undefined : `${idsText(owner)}, its owner, cannot write there`;
}

const idsText = ({ uid, gid }: Ids): string => `uid ${uid}, gid ${gid}`;
