// A copy of this checkout to run tests in under other conditions: what git knows or would take, as it lies here.
import { cp, lstat, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ROOT, exec } from "./lib.mjs";

/** Puts the sources into `folder`, which keeps its node_modules and what it has built. */
export async function copyCheckout(folder) {
  const listed = await exec("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
  const files = listed.split("\0").filter((file) => file !== "");
  for (const top of new Set(files.map((file) => file.split("/")[0])))
    await rm(join(folder, top), { recursive: true, force: true });
  for (const file of files) {
    // One that was removed and not committed yet is still listed.
    if (!(await lstat(join(ROOT, file)).catch(() => undefined))) continue;
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(ROOT, file), join(folder, file), { verbatimSymlinks: true });
  }
  // A repository of its own: tests ask git what belongs to it, and the copy may lie where another one ignores it.
  await exec("git", ["init", "--quiet"], { cwd: folder });
  await exec("git", ["add", "--all"], { cwd: folder });
}
