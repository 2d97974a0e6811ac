import { mkdirSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { getSystemErrorMessage } from "node:util";

/**
 * Creates the folder of a setting and resolves its links once. After this no path that a cage gets contains a link. Throws
 * an error that names the setting if no folder can be there.
 */
export function ownFolder(setting: "HIVE_STATE_DIR" | "HIVE_RUN_DIR", folder: string): string {
  try {
    makeFolder(folder);
    return realpathSync(folder);
  } catch (error) {
    const { code, errno } = error as NodeJS.ErrnoException;
    if (errno === undefined) throw error;
    const isFile = code === "EEXIST" || code === "ENOTDIR";
    const why = isFile ? "there is a file in its place" : getSystemErrorMessage(errno);
    throw new Error(`no folder can be made at ${folder}: ${why}. Set ${setting} to another one`, { cause: error });
  }
}

/**
 * Creates a folder and those above it. `recursive` of Node does not end in a folder that takes
 * none, such as /proc.
 */
export function makeFolder(folder: string, mode = 0o750): void {
  if (isFolder(folder)) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder), mode);
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    if (!isFolder(folder)) throw error; // Otherwise another process was faster.
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
