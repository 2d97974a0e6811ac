import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { isNoRoom } from "../lib/no-room.ts";

/** A file of the runtime: its source and its place. */
export interface RuntimeFile {
  from: string;
  /** Path inside the runtime folder, such as `bin/node`. */
  to: string;
  /** Too large to read at every start: see `identityOf`. */
  large?: boolean;
}

/** Characters of a revision: enough to be unique on one machine. */
const REVISION_CHARS = 12;

/** Files of a Nix store are one second old in 1970, whatever they contain. Milliseconds. */
const NO_TIME_MS = 1000;
/** What is at a path of the store never changes. */
const NIX_STORE = "/nix/store/";

/** What identifies a large file: its path in the store, its size and time, or its content. */
function identityOf(path: string, store: string): string | Buffer {
  const real = realpathSync(path);
  if (real.startsWith(store)) return `${real}\0`;
  const { size, mtimeMs } = statSync(real);
  return mtimeMs > NO_TIME_MS ? `${size} ${Math.round(mtimeMs)}\0` : readFileSync(real);
}

/**
 * The revision of a runtime: a hash of its contents. Takes milliseconds, whatever the size of the programs, unless they
 * have no time. `store` is another folder than that of Nix for tests.
 */
export function revisionOf(files: readonly RuntimeFile[], versions: readonly string[], store: string = NIX_STORE): string {
  const hash = createHash("sha256");
  for (const version of versions) hash.update(`${version}\0`);
  for (const file of files) {
    hash.update(`${file.to}\0`);
    hash.update(file.large ? identityOf(file.from, store) : readFileSync(file.from));
  }
  return hash.digest("hex").slice(0, REVISION_CHARS);
}

/**
 * Creates `<folder>/<revision>` with these files, unless it exists. The folder appears atomically and never changes, so
 * an upgrade of the checkout does not affect running cages. Large programs are hard links if the file system allows it:
 * package managers replace files instead of writing into them. If the disk is full, throws an Error for the operator
 * and leaves nothing behind.
 */
export function makeRuntime(folder: string, revision: string, files: readonly RuntimeFile[]): string {
  const made = join(folder, revision);
  if (existsSync(made)) return made;
  const scratch = `${made}.new-${process.pid}`;
  rmSync(scratch, { recursive: true, force: true });
  try {
    for (const file of files) place(file, join(scratch, file.to));
  } catch (error) {
    // A partial runtime would take room that the operator is about to free.
    rmSync(scratch, { recursive: true, force: true });
    if (!isNoRoom(error)) throw error;
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

/** Hard links a file only if all users may already read and run it: the link shares its mode with the original. */
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
