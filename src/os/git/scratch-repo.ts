import { chown, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Where a scratch repository finds the objects that it borrows, in the sandbox. */
export const BORROWED = "/objects";

/**
 * Creates a bare repository for one run in the sandbox: it borrows all objects, and its refs are the given ones. `owner`
 * may write in it. Nothing is flushed, because nothing of it outlives the run but objects that are moved out.
 */
export async function makeScratchRepo(
  folder: string,
  refs: ReadonlyMap<string, string>,
  owner: { uid: number; gid: number },
  { config = "", head = "refs/heads/none" }: { config?: string | undefined; head?: string | undefined } = {},
): Promise<void> {
  const folders = ["", "objects", "objects/info", "objects/pack", "refs", "refs/heads"];
  for (const part of folders) await mkdir(join(folder, part), { recursive: true, mode: 0o755 });
  // git reads this file by bisection, so it is sorted by bytes.
  const lines = [...refs]
    .map(([name, sha]) => ({ name: Buffer.from(name), line: `${sha} ${name}\n` }))
    .sort((a, b) => Buffer.compare(a.name, b.name))
    .map(({ line }) => line);
  const files: Record<string, string> = {
    HEAD: `ref: ${head}\n`,
    config: `[core]\n\trepositoryformatversion = 0\n\tbare = true\n${config}`,
    "packed-refs": `# pack-refs with: sorted \n${lines.join("")}`,
    "objects/info/alternates": `${BORROWED}\n`,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o644 });
  if (process.getuid?.() !== 0) return;
  for (const name of [...folders, ...Object.keys(files)]) await chown(join(folder, name), owner.uid, owner.gid);
}
