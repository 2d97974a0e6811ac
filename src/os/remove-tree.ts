import { PROGRAM_PATH } from "./launch-env.ts";
import { run } from "./run.ts";

/**
 * Removes a folder in which another user may still write. `rm` walks by descriptors and follows no links, not even one
 * that replaces a folder during the walk. Node's walk uses paths and can be redirected.
 */
export async function removeTree(folder: string): Promise<void> {
  const ended = await run("rm", ["-rf", "--one-file-system", "--", folder], {
    env: { PATH: PROGRAM_PATH },
  });
  if (ended.code !== 0) throw new Error(`cannot remove ${folder}: ${ended.stderr}`);
}
