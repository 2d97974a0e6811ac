import { LAUNCH_ENV } from "./launch-env.ts";
import { run } from "./run.ts";

/** A user and a group of the host. */
export interface Ids {
  uid: number;
  gid: number;
}

/** The option of a mount that takes an id map. */
export const ID_MAP_OPTION = "X-mount.idmap=";
/** Options of a mount through which an agent may act as a folder's owner: no setuid programs, no devices. */
export const ID_MAP_OPTIONS = `nosuid,nodev,${ID_MAP_OPTION}`;
/** The first util-linux whose `mount` maps ids. Earlier ones ignore the option. */
const FIRST_VERSION = [2, 39] as const;
const VERSION = /util-linux (\d+)\.(\d+)(?:\.\d+)?/;

/**
 * The id map of a mount: files of `owner` on disk belong to `agent` in the mount, and new files the other way round.
 * Every other id appears as nobody.
 */
export function idMap(owner: Ids, agent: Ids): string {
  return `u:${owner.uid}:${agent.uid}:1 g:${owner.gid}:${agent.gid}:1`;
}

/**
 * What this host lacks for id-mapped mounts, in words; undefined if nothing. Does not check the kernel and the file
 * system.
 */
export async function idMapsLack(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "id-mapped mounts need a hive that root has started";
  return versionLacks(await printedVersion());
}

/** The version of util-linux that this host's `mount` belongs to; undefined if it is another program. */
export async function mountVersion(): Promise<string | undefined> {
  return VERSION.exec(await printedVersion())?.[0].split(" ")[1];
}

async function printedVersion(): Promise<string> {
  return (await run("mount", ["--version"], { env: LAUNCH_ENV })).stdout;
}

/** The same check for the output of `mount --version`. */
export function versionLacks(printed: string): string | undefined {
  const found = VERSION.exec(printed);
  const needed = `id-mapped mounts need the mount of util-linux ${FIRST_VERSION.join(".")} or newer`;
  if (!found) return `${needed}, and this host's mount is another program`;
  const [major, minor] = [Number(found[1]), Number(found[2])];
  const enough = major > FIRST_VERSION[0] || (major === FIRST_VERSION[0] && minor >= FIRST_VERSION[1]);
  return enough ? undefined : `${needed}, and this host has ${found[0].split(" ")[1]}`;
}
