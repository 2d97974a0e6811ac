import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";

/** A file of the runtime: where it comes from and where it goes. */
export interface RuntimeFile {
  from: string;
  /** Path inside the runtime folder, `bin/node`. */
  to: string;
  /** Too large to read at every start: told apart by size and time instead of content. */
  large?: boolean;
}

/** Characters of a revision: enough to never meet twice on one machine. */
const REVISION_CHARS = 12;

/** The revision of a runtime: a hash over what it is made of. Takes milliseconds, whatever the size of the programs. */
export function revisionOf(files: readonly RuntimeFile[], versions: readonly string[]): string {
  const hash = createHash("sha256");
  for (const version of versions) hash.update(`${version}\0`);
  for (const file of files) {
    hash.update(`${file.to}\0`);
    if (file.large) {
      const { size, mtimeMs } = statSync(file.from);
      hash.update(`${size} ${Math.round(mtimeMs)}\0`);
    } else {
      hash.update(readFileSync(file.from));
    }
  }
  return hash.digest("hex").slice(0, REVISION_CHARS);
}

/**
 * Makes `<folder>/<revision>` with these files, or finds it made. It appears whole and is never changed, so cages
 * that run are not harmed by an upgrade of the checkout. Large programs are hard links where the file system allows:
 * package managers replace files, they do not write into them. Throws words when the disk has no room, and leaves nothing.
 */
export function makeRuntime(folder: string, revision: string, files: readonly RuntimeFile[]): string {
  const made = join(folder, revision);
  if (existsSync(made)) return made;
  const scratch = `${made}.new-${process.pid}`;
  rmSync(scratch, { recursive: true, force: true });
  try {
    for (const file of files) place(file, join(scratch, file.to));
  } catch (error) {
    // Half of it would take the room that somebody is about to make.
    rmSync(scratch, { recursive: true, force: true });
    if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
    const mib = Math.ceil(files.reduce((sum, { from }) => sum + statSync(from).size, 0) / 1024 ** 2);
    const words = `the disk has no room in ${folder} for what cages run (${mib} MiB): free some, or choose another HIVE_STATE_DIR`;
    throw new Error(words, { cause: error });
  }
  renameSync(scratch, made);
  return made;
}

function place(file: RuntimeFile, to: string): void {
  mkdirSync(dirname(to), { recursive: true, mode: 0o755 });
  if (file.large && tryLink(file.from, to)) return;
  copyFileSync(file.from, to);
  chmodSync(to, 0o555);
}

/** A hard link only where the file may already be read and run by everyone: its mode is shared with the original. */
function tryLink(from: string, to: string): boolean {
  const { mode } = statSync(from);
  if ((mode & 0o555) !== 0o555 || (mode & 0o022) !== 0) return false;
  try {
    linkSync(from, to);
    return true;
  } catch {
    // Another file system, or a kernel that protects hard links: the caller copies.
    return false;
  }
}

/** Removes the runtimes that no cage uses. */
export function pruneRuntimes(folder: string, keep: ReadonlySet<string>): void {
  for (const name of readdirSync(folder)) {
    if (!keep.has(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}
