import { run } from "./run.ts";

/**
 * Removes a folder in which somebody else may still write. `rm` walks by descriptors and follows no link, also not one
 * that is put in a folder's place while it looks; the walk of Node goes by paths and can be led elsewhere.
 */
export async function removeTree(folder: string): Promise<void> {
  const ended = await run("rm", ["-rf", "--one-file-system", "--", folder], {
    env: { PATH: "/usr/bin:/bin:/run/current-system/sw/bin" },
  });
  if (ended.code !== 0) throw new Error(`cannot remove ${folder}: ${ended.stderr}`);
}
