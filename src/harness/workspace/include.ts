import { existsSync, lstatSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "../../os/run.ts";
import type { IncludedFile } from "../../wire/include.ts";

/** Time for one look into the index of a large clone on a slow disk. Milliseconds. */
const GIT_MS = 60_000;

/** The files of a repository, one after the other: `next` gives the one that follows a path. */
export async function* includedFiles(
  next: (after: string | undefined) => Promise<IncludedFile | undefined>,
): AsyncGenerator<IncludedFile> {
  let after: string | undefined;
  for (let file = await next(after); file; file = await next(after)) {
    yield file;
    after = file.path;
  }
}

/**
 * Copies the operator's files into a fresh clone and lists them in `.git/info/exclude`, so that no `git add` takes
 * them. A file that git tracks, or whose place is taken by a folder, a link or something tracked, is left out; `log`
 * says so.
 */
export async function copyIncluded(
  folder: string,
  files: AsyncIterable<IncludedFile>,
  { env, log }: { env: Record<string, string>; log(words: string): void },
): Promise<void> {
  for await (const { path, content, executable } of files) {
    const obstacle = await inTheWay(folder, path, env);
    if (obstacle !== undefined) {
      log(`the included file ${path} is not copied: ${obstacle}`);
      continue;
    }
    await exclude(folder, path);
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    await writeFile(target, Buffer.from(content, "base64"), { mode: executable ? 0o700 : 0o600, flag: "wx" });
  }
}

/** Why a file cannot be written at this path. Undefined if it can. */
async function inTheWay(folder: string, path: string, env: Record<string, string>): Promise<string | undefined> {
  const parts = path.split("/");
  for (let depth = 1; depth <= parts.length; depth++) {
    const part = parts.slice(0, depth).join("/");
    const found = lstatSync(join(folder, part), { throwIfNoEntry: false });
    if (!found) break;
    if (depth < parts.length && !found.isDirectory()) return `${part} is no folder`;
    if (depth === parts.length && found.isDirectory()) return `${part} is a folder`;
  }
  const listed = await run("git", ["--literal-pathspecs", "ls-files", "-z", "--", path], { env, cwd: folder, timeoutMs: GIT_MS });
  if (listed.code !== 0) throw new Error(`git ls-files: ${listed.stderr.trim().slice(-600) || "it took too long"}`);
  return listed.stdout === "" ? undefined : "git tracks it";
}

/** Adds a path to `.git/info/exclude`, as a pattern that means this path only. */
async function exclude(folder: string, path: string): Promise<void> {
  const file = join(folder, ".git", "info", "exclude");
  const line = `/${path.replaceAll(/[*?[]/g, "\\$&")}`;
  const text = existsSync(file) ? await readFile(file, "utf8") : "";
  if (text.split("\n").includes(line)) return;
  await mkdir(dirname(file), { recursive: true });
  await appendFile(file, `${text === "" || text.endsWith("\n") ? "" : "\n"}${line}\n`);
}
