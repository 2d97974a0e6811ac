import { chownSync, closeSync, constants, fstatSync, openSync } from "node:fs";
import { join } from "node:path";
import { PROXY_SOCKET } from "../../lib/paths.ts";
import { whyForbidden } from "../../platforms/owners.ts";
import type { GiveSocketRequest } from "../../wire/w4rden.ts";
import type { VerbContext } from "../context.ts";
import { openFolder } from "../open-folder.ts";
import { Refusal } from "../refusal.ts";

/** Linux's `O_PATH`, which Node does not name: opens a path without access to its content. The same on x86-64 and arm64. */
const O_PATH = 0o10_000_000;

interface Given {
  owner: { uid: number; gid: number };
}

/**
 * Gives the socket of an operator to a person. It has to be a socket of the daemon's, in the daemon's folder of such
 * sockets.
 */
export function giveSocket({ operator, uid }: GiveSocketRequest, { account, run }: Pick<VerbContext, "account" | "run">): Given {
  if (whyForbidden({ uid, gid: uid }) !== undefined)
    throw new Refusal(`uid ${uid} is root's, of the system or an agent's: a socket is given to people only`);
  return give(join(run, "operators"), `${operator}.sock`, uid, account.uid);
}

/** Gives the socket of the trusted proxy to the user that root has named, which may be one of the system. */
export function giveProxySocket({ account, run, proxy }: Pick<VerbContext, "account" | "run" | "proxy">): Given {
  if (!proxy) throw new Refusal("root has named no user of a trusted proxy in HIVE_TRUSTED_PROXY");
  return give(run, PROXY_SOCKET, proxy.uid, account.uid);
}

/** Changes the owner of a socket by its descriptor, so that a link or another file at its name gets nothing. */
function give(folderPath: string, name: string, uid: number, daemon: number): Given {
  const folder = openFolder(folderPath);
  try {
    const fd = open(`/proc/self/fd/${folder.fd}/${name}`, name);
    try {
      const stat = fstatSync(fd);
      if (!stat.isSocket() || stat.uid !== daemon) throw new Refusal(`${name} is not a socket of the daemon`);
      chownSync(`/proc/self/fd/${fd}`, uid, -1);
      return { owner: { uid, gid: stat.gid } };
    } finally {
      closeSync(fd);
    }
  } finally {
    closeSync(folder.fd);
  }
}

function open(path: string, name: string): number {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    throw new Refusal(`${name} cannot be opened (${(error as NodeJS.ErrnoException).code ?? String(error)})`);
  }
}
