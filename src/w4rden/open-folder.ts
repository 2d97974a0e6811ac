import { closeSync, constants, fstatSync, openSync, type Stats } from "node:fs";
import { Refusal } from "./refusal.ts";

/** A folder that is open. Its path may lead elsewhere by now; the descriptor does not. */
export interface OpenFolder {
  fd: number;
  stat: Stats;
}

const FLAGS = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Opens a folder of the host, one name after the other, so that no part of the path can be a link. `root` is the folder
 * that is `/` in another mount namespace.
 */
export function openFolder(path: string, root = ""): OpenFolder {
  let fd = openSync(`${root}/`, constants.O_RDONLY | constants.O_DIRECTORY);
  let at = "";
  for (const name of path.split("/").slice(1)) {
    if (name === "") continue;
    at = `${at}/${name}`;
    try {
      const next = openSync(`/proc/self/fd/${fd}/${name}`, FLAGS);
      closeSync(fd);
      fd = next;
    } catch (error) {
      closeSync(fd);
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENOENT") throw new Refusal(`${at} does not exist on this host`);
      if (code === "ENOTDIR" || code === "ELOOP")
        throw new Refusal(`${at} is a symbolic link or no folder: use the path of the folder itself`);
      throw new Refusal(`${at} cannot be opened (${code ?? String(error)})`);
    }
  }
  return { fd, stat: fstatSync(fd) };
}
