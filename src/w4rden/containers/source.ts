import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { basename, dirname } from "node:path";
import { openFolder } from "../open-folder.ts";
import { Refusal } from "../refusal.ts";

/** Linux's `O_PATH`, which Node does not name: opens a path without access to its content. The same on x86-64 and arm64. */
const O_PATH = 0o10_000_000;

/** A folder or file that is open in the host's mount namespace. */
export interface OpenSource {
  fd: number;
  stat: Stats;
}

/** Opens a folder or a regular file below `root`, one name after the other, so that no part of the path can be a link. */
export function openSource(path: string, root: string): OpenSource {
  const parent = openFolder(dirname(path), root);
  try {
    const fd = open(`/proc/self/fd/${parent.fd}/${basename(path)}`, path);
    const stat = fstatSync(fd);
    if (stat.isDirectory() || stat.isFile()) return { fd, stat };
    closeSync(fd);
    throw new Refusal(`${path} is a symbolic link, or no folder and no file: use the path of the folder itself`);
  } finally {
    closeSync(parent.fd);
  }
}

function open(path: string, named: string): number {
  try {
    return openSync(path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Refusal(code === "ENOENT" ? `${named} does not exist on this host` : `${named} cannot be opened (${code ?? "?"})`);
  }
}
