// Copies this checkout's working tree, to run tests in it under other conditions: tracked files and untracked files
// that are not ignored.
import { cp, lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT, exec } from "./lib.mjs";

/** Copies the sources into `folder`, which keeps its node_modules and build output. */
export async function copyCheckout(folder) {
  const listed = await exec("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = listed.split("\0").filter((file) => file !== "");
  for (const top of new Set(files.map((file) => file.split("/")[0])))
    await rm(join(folder, top), { recursive: true, force: true });
  for (const file of files) {
    // A file that was removed but not committed is still listed.
    if (!(await lstat(join(ROOT, file)).catch(() => undefined))) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(ROOT, file), join(folder, file), { verbatimSymlinks: true });
  }
  // Make it a repository with this history: tests ask git which files belong to it and replay its last commits, and the
  // copy may be inside an ignored folder.
  await exec("git", ["init", "--quiet"], { cwd: folder });
  await exec("git", ["fetch", "--quiet", "--update-shallow", ROOT, "HEAD"], { cwd: folder });
  await exec("git", ["reset", "--quiet", "--soft", "FETCH_HEAD"], { cwd: folder });
  await exec("git", ["add", "--all"], { cwd: folder });
}
