import { closeSync, constants, fstatSync, lstatSync, openSync, type BigIntStats, type Stats } from "node:fs";
import { Refusal, type EntryKind } from "./request.ts";

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;

/** The path of a name in an open folder. The name is one component, and the folder is the one that is open, whatever its path is now. */
export function inFolder(folder: number, name: Buffer | string): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${folder}/`), Buffer.from(name as string)]);
}

/**
 * Opens a folder, one component after the other. No component may be a link. The caller closes it. Throws a `Refusal` that
 * names the path.
 */
export function openFolder(path: string): number {
  const [root = "", ...parts] = path.split("/").slice(1);
  let folder = opened(path, () => openSync(`/${root}`, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  for (const [at, part] of parts.entries()) {
    const upper = folder;
    try {
      folder = openChild(upper, part, `/${[root, ...parts.slice(0, at + 1)].join("/")}`);
    } finally {
      closeSync(upper);
    }
  }
  return folder;
}

/** Opens a folder in an open folder, unless it is a link. */
export function openChild(folder: number, name: Buffer | string, path: string): number {
  return opened(path, () => {
    const kind = kindOf(look(folder, name));
    if (kind !== "folder") throw new Refusal("conflict", `${path} is ${KIND_WORDS[kind]}, and no folder`);
    return openSync(inFolder(folder, name), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  });
}

/** What is at a name in an open folder. Follows nothing and opens nothing. */
export function look(folder: number, name: Buffer | string): BigIntStats {
  return lstatSync(inFolder(folder, name), { bigint: true });
}

/**
 * Opens a regular file in an open folder. Anything else is not even opened: to open a fifo wakes its writer. What is swapped
 * in meanwhile is opened without waiting for it, and closed again.
 */
export function openFile(folder: number, name: Buffer | string, path: string): { file: number; stat: BigIntStats } {
  return opened(path, () => {
    refuseOther(look(folder, name), path);
    const file = openSync(inFolder(folder, name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const stat = fstatSync(file, { bigint: true });
      refuseOther(stat, path);
      return { file, stat };
    } catch (error) {
      closeSync(file);
      throw error;
    }
  });
}

function refuseOther(stat: BigIntStats, path: string): void {
  const kind = kindOf(stat);
  if (kind !== "file") throw new Refusal("conflict", `${path} is ${KIND_WORDS[kind]}: only the contents of files are shown`);
}

/** The kinds in a sentence. */
export const KIND_WORDS: Record<EntryKind, string> = {
  file: "a file",
  folder: "a folder",
  link: "a link, and links are not followed",
  fifo: "a fifo",
  socket: "a socket",
  device: "a device",
  unknown: "of an unknown kind",
};

export function kindOf(stat: Stats | BigIntStats): EntryKind {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "folder";
  if (stat.isSymbolicLink()) return "link";
  if (stat.isFIFO()) return "fifo";
  if (stat.isSocket()) return "socket";
  return stat.isBlockDevice() || stat.isCharacterDevice() ? "device" : "unknown";
}

/** Translates what the system says about a path. */
function opened<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new Refusal("not_found", `there is no ${path}`);
    if (code === "ENOTDIR" || code === "ELOOP")
      throw new Refusal("conflict", `${path} is no folder, or a link, and links are not followed`);
    if (code === "EACCES" || code === "EPERM") throw new Refusal("conflict", `the agent itself may not read ${path}`);
    throw error;
  }
}
