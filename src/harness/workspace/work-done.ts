import { randomUUID } from "node:crypto";
import { copyFile, lstat, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EMPTY_TREE } from "../../os/git/git.ts";
import { runBytes } from "../../os/run-bytes.ts";
import type { AssignedRepo, WorkDone } from "../../wire/harness.ts";

/** Time for all workspaces of an agent: a tree of a hundred thousand files on a slow disk. Milliseconds. */
export const MEASURE_MS = 10_000;
/** Bytes that git prints: a branch's name, or one line. */
const MAX_OUTPUT_BYTES = 16 * 1024;

/** Nothing that the agent has set up in its clone runs, or asks, or locks the clone's index. */
const SETTINGS = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
const QUIET = { GIT_OPTIONAL_LOCKS: "0", GIT_TERMINAL_PROMPT: "0" };
/** As the diff of a change is counted. */
const STAT = ["--shortstat", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all"];

interface Measured {
  /** The folder of the clones. */
  root: string;
  /** The environment of git. */
  env: Record<string, string>;
  timeoutMs?: number;
}

/**
 * The branch of each clone, and its lines that differ from where it left the base, uncommitted ones and new files
 * included. A clone that git cannot read within the time is left out. Never throws.
 */
export async function workDone(
  repos: readonly AssignedRepo[],
  { root, env, timeoutMs = MEASURE_MS }: Measured,
): Promise<WorkDone[]> {
  const ended = AbortSignal.timeout(timeoutMs);
  const done: WorkDone[] = [];
  for (const { name, base } of repos) {
    if (ended.aborted) break;
    // Its own errors are those of files: a clone that is being replaced, or a full disk. The next measurement tells.
    const one = await inClone(join(root, name), base, { ...env, ...QUIET }, ended).catch(() => undefined);
    if (one) done.push({ repo: name, ...one });
  }
  return done;
}

async function inClone(
  folder: string,
  base: string,
  env: Record<string, string>,
  ended: AbortSignal,
): Promise<Omit<WorkDone, "repo"> | undefined> {
  const index = join(tmpdir(), `hive-index-${randomUUID()}`);
  const git = async (argv: readonly string[]): Promise<string | undefined> => {
    const end = await runBytes("git", ["--no-pager", ...SETTINGS, ...argv], {
      cwd: folder,
      env: { ...env, GIT_INDEX_FILE: index },
      isQuiet: true,
      maxBytes: MAX_OUTPUT_BYTES,
      timeoutMs: MEASURE_MS,
      signal: ended,
    });
    return end.code === 0 ? end.stdout.toString("utf8").trim() : undefined;
  };
  try {
    const own = join(folder, ".git", "index");
    // A copy, so that new files count and the agent's own git never waits. A fresh repository has none.
    if ((await lstat(own).catch(() => undefined))?.isFile() === true) await copyFile(own, index);
    const branch = await git(["symbolic-ref", "--quiet", "--short", "HEAD"]);
    const from = (await git(["merge-base", "HEAD", `refs/remotes/origin/${base}`])) ?? EMPTY_TREE;
    await git(["add", "--intent-to-add", "--ignore-errors", "--", "."]);
    const stat = await git(["diff", ...STAT, from, "--"]);
    if (stat === undefined) return undefined;
    const named = branch === undefined ? {} : { branch };
    const all = linesOf(stat);
    const commit = await git(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
    const loose = commit === undefined ? undefined : await git(["diff", ...STAT, commit, "--"]);
    if (commit === undefined || loose === undefined) return { ...named, ...all };
    return { ...named, ...all, head: { commit, base, ...linesOf(loose) } };
  } finally {
    await rm(index, { force: true });
  }
}

const linesOf = (stat: string) => ({ added: lines(stat, "insertion"), removed: lines(stat, "deletion") });

/** A number of git's summary: ` 3 files changed, 12 insertions(+), 1 deletion(-)`. */
function lines(stat: string, what: "insertion" | "deletion"): number {
  return Number(new RegExp(`(\\d+) ${what}`).exec(stat)?.[1] ?? 0);
}
