import { realpathSync, statSync } from "node:fs";
import type { Identity } from "../containers/driver.ts";
import type { MountTrial } from "../hive/deploy/world.ts";
import type { Paths } from "../hive/paths.ts";
import { accessFromCage } from "../os/folder-access.ts";
import type { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";

type Mount = AgentConfig["mounts"][number];

/** The folder of the host behind a mount, without links. Throws when it is not there, or is among the hive's own. */
export function mountSource(mount: Mount, paths: Paths): string {
  let host: string;
  try {
    host = realpathSync(mount.host);
  } catch {
    throw new HiveError("not_found", `mounts: ${mount.host} does not exist on this host`);
  }
  for (const own of [paths.state, paths.run].map((folder) => realpathSync(folder))) {
    if (host === own || host.startsWith(`${own}/`) || own.startsWith(host === "/" ? "/" : `${host}/`)) {
      throw new HiveError("forbidden", `mounts: ${mount.host} holds the hive's own files, or lies among them`);
    }
  }
  return host;
}

/**
 * Tries each mount of a new request from inside a throw-away cage that runs as the agent will. Resolves with what can be
 * done there, or why the mount cannot work.
 */
export function tryMounts(mounts: readonly Mount[], identity: Identity, paths: Paths): Promise<MountTrial[]> {
  return Promise.all(
    mounts.map(async (mount): Promise<MountTrial> => {
      try {
        return { mount, problem: await problemOf(mount, identity, paths) };
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        return { mount, problem: words.startsWith("mounts: ") ? words : `mounts: ${words}` };
      }
    }),
  );
}

async function problemOf(mount: Mount, identity: Identity, paths: Paths): Promise<string | undefined> {
  const host = mountSource(mount, paths);
  // Who may turn a link on the way could choose another folder after the approval.
  if (host !== mount.host) return `mounts: ${mount.host} goes through a symbolic link; use ${host}`;
  if (!statSync(host).isDirectory()) return `mounts: ${host} is not a folder`;
  const { readable, writable } = await accessFromCage(host, identity, mount.mode);
  const who = identity.kind === "host-uid" ? `the agent (a user of its own on this host)` : `the agent (uid ${identity.uid})`;
  if (!readable) return `mounts: ${host} cannot be read by ${who}: open it to others, or give its group an ACL`;
  if (mount.mode === "rw" && !writable)
    return `mounts: ${host} cannot be written by ${who}: use "ro", or let others write there (chmod o+w, setfacl)`;
  return undefined;
}
