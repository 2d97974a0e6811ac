import { run } from "./run.ts";

/** How long a walk over one agent's files may take. Milliseconds. */
const WALK_MS = 120_000;

/**
 * Bytes that folders hold on disk, links not followed, other file systems left out. A program of its own walks them: a
 * million files then cost the daemon neither its loop nor its memory, and no depth of folders hides any. undefined
 * when it could not be told.
 */
export async function bytesOnDisk(folders: readonly string[]): Promise<number | undefined> {
  const { stdout } = await run("du", ["-skxc", "--", ...folders], { timeoutMs: WALK_MS });
  // Files that go away meanwhile make it fail, and its total is right all the same.
  const kib = /^(\d+)\s+total$/m.exec(stdout)?.[1];
  return kib === undefined ? undefined : Number(kib) * 1024;
}
