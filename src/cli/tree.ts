import { isUtf8 } from "node:buffer";
import { lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Input, Output } from "../wire/operations.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { UsageError } from "./exit.ts";

type TreeFiles = NonNullable<Input<"propose">["files"]>;

/**
 * Reads the files of a config tree in the wire's form, without `.git`. Throws for a file that exceeds a limit or cannot
 * be read, with its path.
 */
export function readTree(root: string): TreeFiles {
  const files: TreeFiles = [];
  let bytes = 0;
  const visit = (folder: string): void => {
    const place = relative(root, folder) || root;
    for (const name of reading(place, () => namesIn(folder))) {
      if (name === ".git") continue;
      const file = join(folder, name);
      const path = relative(root, file);
      const stat = reading(path, () => lstatSync(file));
      if (stat.isDirectory()) {
        visit(file);
        continue;
      }
      if (!stat.isFile() && !stat.isSymbolicLink())
        throw new UsageError(`${path} is neither a file nor a symbolic link: remove it from the folder`);
      if (files.length >= MAX_CONFIG_FILES)
        throw new UsageError(`${root} has more than ${MAX_CONFIG_FILES} files, which is the most that a config may have`);
      // Check the size before reading the content: a file may be of any size.
      const isTooMuch = bytes + stat.size > MAX_CONFIG_BYTES;
      const content = isTooMuch
        ? Buffer.alloc(0)
        : reading(path, () => (stat.isSymbolicLink() ? Buffer.from(readlinkSync(file)) : readFileSync(file)));
      bytes += content.length;
      if (isTooMuch || bytes > MAX_CONFIG_BYTES)
        throw new UsageError(`with ${path}, ${root} has more than ${MAX_CONFIG_BYTES} bytes, the most that a config may have`);
      const mode = stat.isSymbolicLink() ? "120000" : (stat.mode & 0o100) !== 0 ? "100755" : "100644";
      files.push({ path, mode, base64: content.toString("base64") });
    }
  };
  visit(root);
  if (files.length === 0) throw new UsageError(`${root} contains no files: a config has at least agent.json`);
  return files;
}

/** The names in a folder, sorted. Throws for a name that is not UTF-8, because no path on the wire could express it. */
function namesIn(folder: string): string[] {
  return readdirSync(folder, { encoding: "buffer" })
    .map((bytes) => {
      if (isUtf8(bytes)) return bytes.toString("utf8");
      const shown = Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCodePoint(byte) : byteSign(byte)));
      throw new UsageError(`the file name ${shown.join("")} in ${folder} is not valid UTF-8: rename it`);
    })
    .sort();
}

const byteSign = (byte: number): string => `⟨${byte.toString(16).toUpperCase().padStart(2, "0")}⟩`;

/** Turns an error of the file system into a text with the path and the reason. */
function reading<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    const why = code === "EACCES" ? "you may not read it" : code === "ENOENT" ? "it is gone" : (error as Error).message;
    throw new UsageError(`${path} cannot be read: ${why}`);
  }
}

/**
 * Writes a config tree into a folder that it makes. Throws if the folder exists: nothing is overwritten. The daemon has
 * checked that no path and no link leads out of the tree.
 */
export function writeTree(root: string, files: Output<"config">["files"]): void {
  try {
    mkdirSync(root);
    // Links come last, so that no file is written through one.
    for (const { path, mode, text, base64 } of files.toSorted(
      (a, b) => Number(a.mode === "120000") - Number(b.mode === "120000"),
    )) {
      const bytes = base64 === undefined ? Buffer.from(text) : Buffer.from(base64, "base64");
      mkdirSync(dirname(join(root, path)), { recursive: true });
      if (mode === "120000") symlinkSync(bytes, join(root, path));
      else writeFileSync(join(root, path), bytes, { mode: mode === "100755" ? 0o755 : 0o644, flag: "wx" });
    }
  } catch (error) {
    throw new UsageError(`${root} cannot be written: ${(error as Error).message.replace(/, \w+ .*$/, "")}: name a new folder`);
  }
}
