import { statSync, chmodSync, chownSync } from "node:fs";
import { dirname } from "node:path";
import { LAUNCH_ENV } from "./launch-env.ts";
import { run } from "./run.ts";
import { isMapped } from "./user-namespace.ts";

/** A user of this host, with all of its groups. */
export interface UnixUser {
  name: string;
  uid: number;
  gids: readonly number[];
}

/** Looks a user up by name, as the host does for a log-in. Undefined if there is none. */
export async function unixUser(name: string): Promise<UnixUser | undefined> {
  const ask = (what: string) => run("id", [what, "--", name], { env: LAUNCH_ENV });
  const [uid, groups] = await Promise.all([ask("-u"), ask("-G")]);
  if (uid.code !== 0 || groups.code !== 0) return undefined;
  return { name, uid: Number(uid.stdout.trim()), gids: groups.stdout.trim().split(/\s+/).map(Number) };
}

/** The first folder on the way to a path that a user may not pass through. Undefined if it can reach the path. */
export function barrierFor({ uid, gids }: Pick<UnixUser, "uid" | "gids">, path: string): string | undefined {
  const folders: string[] = [];
  for (let at = dirname(path); ; at = dirname(at)) {
    folders.unshift(at);
    if (at === dirname(at)) break;
  }
  if (uid === 0) return undefined;
  return folders.find((folder) => {
    const { mode, uid: owner, gid } = statSync(folder);
    const bit = owner === uid ? 0o100 : gids.includes(gid) ? 0o010 : 0o001;
    return (mode & bit) === 0;
  });
}

/** Whether this process can give a file to a user: to its own, and as root to those that exist in its user namespace. */
export function mayGiveTo({ uid }: Pick<UnixUser, "uid">): boolean {
  const own = process.getuid?.();
  return uid === own || (own === 0 && isMapped(uid));
}

/**
 * Gives a socket to a user, and to no one else. Throws what the kernel answers: only root gives files away. This is the
 * one place that does it.
 */
export function giveSocket(path: string, { uid }: Pick<UnixUser, "uid">): void {
  chmodSync(path, 0o600);
  if (statSync(path).uid !== uid) chownSync(path, uid, -1);
}
