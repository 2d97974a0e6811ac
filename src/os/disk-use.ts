import { run } from "./run.ts";

/** Maximum time for a walk over one agent's files. Milliseconds. */
const WALK_MS = 120_000;

/**
 * Minimum size that a file counts for, even if empty: a file system has a fixed number of inodes. Bytes; ext4 has one
 * per 16 KiB.
 */
const FILE_BYTES = 4 * 1024;

/**
 * Bytes of folders on disk, at least `FILE_BYTES` for each file. Does not follow links or cross file systems. A
 * separate program walks the folders, so a million files cost neither the daemon's loop nor its memory, and no folder
 * is too deep. Undefined if the size could not be determined.
 */
export async function bytesOnDisk(folders: readonly string[]): Promise<number | undefined> {
  const [kib, files] = await Promise.all([total(["-k"], folders), total(["--inodes"], folders)]);
  return kib === undefined || files === undefined ? undefined : Math.max(kib * 1024, files * FILE_BYTES);
}

async function total(unit: string[], folders: readonly string[]): Promise<number | undefined> {
  const { stdout } = await run("du", ["-sxc", ...unit, "--", ...folders], { timeoutMs: WALK_MS });
  // Files that disappear meanwhile make it fail, but its total is still right.
  const sum = /^(\d+)\s+total$/m.exec(stdout)?.[1];
  return sum === undefined ? undefined : Number(sum);
}
