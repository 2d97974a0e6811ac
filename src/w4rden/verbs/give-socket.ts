import { chownSync, closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { whyForbidden } from "../../platforms/owners.ts";
import type { GiveSocketRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { openFolder } from "../open-folder.ts";
import { Refusal } from "../refusal.ts";

/** Linux's `O_PATH`, which Node does not name: opens a path without access to its content. The same on x86-64 and arm64. */
const O_PATH = 0o10_000_000;

/**
 * Gives the socket of an operator to a person. It has to be a socket of the daemon's, in the daemon's folder of such
 * sockets. The descriptor is what changes its owner, so a link or another file at its name gets nothing.
 */
export function giveSocket(
  { operator, uid }: GiveSocketRequest,
  { account, run }: Pick<VerbContext, "account" | "run">,
): { owner: { uid: number; gid: number } } {
  if (whyForbidden({ uid, gid: uid }) !== undefined)
    throw new Refusal(`uid ${uid} is root's, of the system or an agent's: a socket is given to people only`);
  const folder = openFolder(join(run, "operators"));
  try {
    const fd = open(`/proc/self/fd/${folder.fd}/${operator}.sock`, operator);
    try {
      const stat = fstatSync(fd);
      if (!stat.isSocket() || stat.uid !== account.uid) throw new Refusal(`${operator}.sock is not a socket of the daemon`);
      chownSync(`/proc/self/fd/${fd}`, uid, -1);
      return { owner: { uid, gid: stat.gid } };
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(folder.fd);
  }
}

function open(path: string, operator: string): number {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    throw new Refusal(`${operator}.sock cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
