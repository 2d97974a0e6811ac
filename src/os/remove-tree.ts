import { lstatSync } from "node:fs";
import { PROGRAM_PATH } from "./launch-env.ts";
import { run } from "./run.ts";

/**
 * Removes a folder in which another user may still write. `rm` walks by descriptors and follows no links, not even one
 * that replaces a folder during the walk. Node's walk uses paths and can be redirected. Folders without the permission
 * to write, as caches of modules and stores of Nix have them, are removed, too.
 */
export async function removeTree(folder: string): Promise<void> {
  // No process for what is not there, which is the usual case at a start.
  if (!lstatSync(folder, { throwIfNoEntry: false })) return;
  const env = { PATH: PROGRAM_PATH };
  const remove = () => run("rm", ["-rf", "--one-file-system", "--", folder], { env });
  let ended = await remove();
  if (ended.code !== 0 && process.getuid?.() !== 0) {
    // Root needs no permission. A plain user's agents are that user, which may give it.
    await run("chmod", ["-R", "u+rwX", "--", folder], { env });
    ended = await remove();
  }
  if (ended.code !== 0) throw new Error(`cannot remove ${folder}: ${ended.stderr}`);
}
