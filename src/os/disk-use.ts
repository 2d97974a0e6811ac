import { run } from "./run.ts";

/** How long a walk over one agent's files may take. Milliseconds. */
const WALK_MS = 120_000;

/** What a file takes at least, an empty one, too: a file system has a fixed number of them. Bytes; ext4 has one for 16 KiB. */
const FILE_BYTES = 4 * 1024;

/**
 * Bytes that folders hold on disk, at least `FILE_BYTES` for each file, links not followed, other file systems left out. A program of its own walks them: a
 * million files then cost the daemon neither its loop nor its memory, and no depth of folders hides any. undefined
 * when it could not be told.
 */
export async function bytesOnDisk(folders: readonly string[]): Promise<number | undefined> {
  const [kib, files] = await Promise.all([total(["-k"], folders), total(["--inodes"], folders)]);
  return kib === undefined || files === undefined ? undefined : Math.max(kib * 1024, files * FILE_BYTES);
}

async function total(unit: string[], folders: readonly string[]): Promise<number | undefined> {
  const { stdout } = await run("du", ["-sxc", ...unit, "--", ...folders], { timeoutMs: WALK_MS });
  // Files that go away meanwhile make it fail, and its total is right all the same.
  const sum = /^(\d+)\s+total$/m.exec(stdout)?.[1];
  return sum === undefined ? undefined : Number(sum);
}
