import { randomUUID } from "node:crypto";
import { chmod, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { foldersUpTo, syncAll } from "../stable.ts";

export const MAIN = "refs/heads/main";

/** Creates a bare repository atomically, with the folders above it. */
export async function makeRepo(folder: string, scratch: string, { bare = true } = {}): Promise<void> {
  const made = join(scratch, randomUUID());
  await writeSkeleton(made, bare);
  await mkdir(dirname(folder), { recursive: true });
  try {
    await rename(made, folder);
  } catch (error) {
    await rm(made, { recursive: true, force: true });
    throw error;
  }
  await syncAll([dirname(folder), folder, scratch]);
}

/** What `git init` would write, without its templates. All users may read it: it contains configs, never secrets. */
export async function writeSkeleton(gitDir: string, bare: boolean): Promise<void> {
  for (const part of ["objects/pack", "objects/info", "refs/heads", "refs/tags"])
    await mkdir(join(gitDir, part), { recursive: true });
  for (const part of ["", "objects", "objects/pack", "objects/info", "refs", "refs/heads", "refs/tags"])
    await chmod(join(gitDir, part), 0o755);
  const config = `[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = ${String(bare)}\n`;
  for (const [name, text] of [
    ["HEAD", `ref: ${MAIN}\n`],
    ["config", config],
  ] as const) {
    await writeFile(join(gitDir, name), text, { mode: 0o644, flush: true });
    await chmod(join(gitDir, name), 0o644);
  }
  await syncAll(foldersUpTo(gitDir, join(gitDir, "objects/pack/x")));
  await syncAll(foldersUpTo(gitDir, join(gitDir, "refs/heads/x")));
}

/** Removes one of our folders: renames it away at once, then deletes the contents. */
export async function discard(folder: string, scratch: string): Promise<void> {
  const away = join(scratch, randomUUID());
  try {
    await rename(folder, away);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await syncAll([dirname(folder), scratch]);
  await rm(away, { recursive: true, force: true });
}
