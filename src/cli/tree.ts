import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import type { Input } from "../wire/operations.ts";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { UsageError } from "./exit.ts";

type TreeFiles = NonNullable<Input<"propose">["files"]>;

/** The files of a config tree as they cross the wire. A `.git` folder is not part of it. Throws what does not fit. */
export function readTree(root: string): TreeFiles {
  const files: TreeFiles = [];
  let bytes = 0;
  const visit = (folder: string): void => {
    for (const name of readdirSync(folder).sort()) {
      if (name === ".git") continue;
      const file = join(folder, name);
      const stat = lstatSync(file);
      if (stat.isDirectory()) {
        visit(file);
        continue;
      }
      const path = relative(root, file);
      if (!stat.isFile() && !stat.isSymbolicLink()) throw new UsageError(`${path} is neither a file nor a symbolic link`);
      const content = stat.isSymbolicLink() ? Buffer.from(readlinkSync(file)) : readFileSync(file);
      bytes += content.length;
      if (files.length >= MAX_CONFIG_FILES) throw new UsageError(`a config has at most ${MAX_CONFIG_FILES} files`);
      if (bytes > MAX_CONFIG_BYTES) throw new UsageError(`a config has at most ${MAX_CONFIG_BYTES} bytes`);
      const mode = stat.isSymbolicLink() ? "120000" : (stat.mode & 0o100) !== 0 ? "100755" : "100644";
      files.push({ path, mode, base64: content.toString("base64") });
    }
  };
  visit(root);
  if (files.length === 0) throw new UsageError(`${root} holds no files`);
  return files;
}
