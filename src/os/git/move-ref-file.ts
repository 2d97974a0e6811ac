import { constants } from "node:fs";
import { chmod, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { constants as zlib, inflateSync } from "node:zlib";
import { foldersUpTo } from "../stable.ts";
import { isPlain, packedRefs, refFromFiles } from "./ref-files.ts";

type Sha = string;

/** Bytes of an object's file that are read: what git has compressed of its head is shorter. */
const HEAD_BYTES = 512;
/** Modes of `core.sharedRepository=0644`. */
const MODE = 0o644;
const FOLDER_MODE = 0o755;

/**
 * Moves a ref of a bare repository as `git update-ref` does, by git's own protocol: under the file `<ref>.lock`, which
 * is flushed and becomes the ref. Git's own process takes ten times as long, and each start of one costs a large daemon
 * a copy of its page tables. False if only git can do it, or say why not: nothing is moved then. Returns true only with
 * the ref moved; the caller flushes the folders.
 */
export async function moveRefFile(gitDir: string, ref: string, next: Sha, expected: Sha | undefined): Promise<boolean> {
  if (!isPlain(ref) || !/^[0-9a-f]{40}$/.test(next) || !(await isLoose(gitDir, next, ref.startsWith("refs/heads/"))))
    return false;
  const file = join(gitDir, ref);
  if ((await hasNeighbour(gitDir, ref)) || !(await makeFolder(gitDir, dirname(file)))) return false;
  const lock = `${file}.lock`;
  let handle;
  try {
    handle = await open(lock, "wx", MODE);
  } catch {
    // Another git has it, or the disk is full: git waits, or says so.
    return false;
  }
  let isMoved = false;
  try {
    if ((await refFromFiles(gitDir, ref)) !== (expected ?? null)) return false;
    await handle.chmod(MODE);
    await handle.writeFile(`${next}\n`);
    await handle.sync();
    await rename(lock, file);
    isMoved = true;
    return true;
  } catch {
    // Such as a folder of refs that have gone, which git removes.
    return false;
  } finally {
    await handle.close();
    if (!isMoved) await rm(lock, { force: true });
  }
}

/** True if an object is there as a file of its own, and a commit if it has to be. Git looks into packs. */
async function isLoose(gitDir: string, sha: Sha, mustBeCommit: boolean): Promise<boolean> {
  const path = join(gitDir, "objects", sha.slice(0, 2), sha.slice(2));
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const head = inflateSync(buffer.subarray(0, bytesRead), { finishFlush: zlib.Z_SYNC_FLUSH, maxOutputLength: 1024 * 1024 });
      return (mustBeCommit ? /^commit \d+\0/ : /^(?:commit|tree|blob|tag) \d+\0/).test(head.toString("latin1", 0, 32));
    } finally {
      await file.close();
    }
  } catch {
    // Missing, or damaged: git says so.
    return false;
  }
}

/** True if a packed ref is a folder of this one or in it: git refuses both at once. */
async function hasNeighbour(gitDir: string, ref: string): Promise<boolean> {
  const packed = await packedRefs(gitDir);
  if (packed === undefined) return true;
  const parts = ref.split("/");
  const outer = parts.map((_, at) => parts.slice(0, at).join("/")).slice(2);
  return packed.includes(` ${ref}/`) || outer.some((name) => packed.includes(` ${name}\n`));
}

/** Makes the folder of a ref. False if a ref has the name of one of them. */
async function makeFolder(gitDir: string, folder: string): Promise<boolean> {
  for (const path of foldersUpTo(gitDir, join(folder, "ref")).reverse()) {
    // A repository that was removed meanwhile stays removed.
    if (path === gitDir) continue;
    try {
      await mkdir(path);
      // As git makes it: git in its sandbox reads it as another user.
      await chmod(path, FOLDER_MODE);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") return false;
    }
  }
  return (await lstat(folder)).isDirectory();
}
