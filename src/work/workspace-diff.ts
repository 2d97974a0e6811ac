import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Agent } from "../agents/agent.ts";
import { hivectl } from "../lib/hivectl.ts";
import { parseDiff, type FileChange } from "../os/git/diff.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_CHANGE_FILES, type LeftOut } from "../wire/work.ts";
import { MAX_DIFF_BYTES } from "./diff.ts";
import type { Repositories } from "./repositories.ts";
import type { WorkContext } from "./work-context.ts";
import { MAX_ODD, WORKSPACE_DIFF_SCRIPT } from "./workspace-diff-script.ts";

/** Time and memory for one comparison: an operator waits for it, and the workspace is hostile. Milliseconds, bytes. */
const DIFF_MS = 10_000;
const MEMORY_BYTES = 1024 ** 3;
/** Bytes of the lists beside the patches. */
const LIST_BYTES = 8 * 1024 * 1024;

/** What differs in a workspace from its base. */
export interface WorkspaceDiff {
  base: string;
  /** The commit that it is compared with. Undefined: the base has none. */
  from: Sha | undefined;
  files: FileChange[];
  /** What was not compared. At most `MAX_ODD`. */
  leftOut: LeftOut[];
}

interface Deps {
  context: Pick<WorkContext, "git" | "paths" | "store">;
  repositories: Pick<Repositories, "find" | "tips">;
}

/** How the script says what it has left out. */
const KINDS: Readonly<Record<string, LeftOut["kind"]>> = {
  p: "fifo",
  s: "socket",
  b: "device",
  c: "device",
  f: "large",
  r: "repository",
};

/**
 * What an agent has changed in a workspace since it parted from its base, committed or not, of all files or of one path. Git
 * reads it in the sandbox with the agent's identity, and no setting of the workspace.
 */
export async function workspaceDiff(
  { context: { git, paths, store }, repositories }: Deps,
  agent: Pick<Agent, "id" | "name" | "config" | "record">,
  repo: string,
  path = "",
): Promise<WorkspaceDiff> {
  const folder = join(paths.agent(agent.id).work, repo);
  const settings = repositories.find(repo)?.settings;
  if (!settings || !existsSync(folder))
    throw new HiveError(
      "not_found",
      `${agent.name} has no workspace of a repository ${repo}: ${hivectl(`work list ${agent.name}`)} lists them`,
    );
  const base = agent.config.repos.find(({ name }) => name === repo)?.base ?? settings.base;
  const tip = repositories.tips(repo).get(base) ?? "";
  const included = store.includes.of(repo).map((file) => file.path);
  const ended = await git.besideFolder(repo, folder, agent.record.identity, WORKSPACE_DIFF_SCRIPT, [tip, path, ...included], {
    maxBytes: MAX_DIFF_BYTES + LIST_BYTES,
    timeoutMs: DIFF_MS,
    memoryBytes: MEMORY_BYTES,
  });
  const advice = `look at its files, or let ${agent.name} push`;
  if (ended.tooLong) throw tooMuch(agent.name, repo, `it took longer than ${DIFF_MS / 1000} s`, advice);
  if (ended.tooMuch) throw tooMuch(agent.name, repo, `it has more than ${MAX_DIFF_BYTES / 1024 ** 2} MiB of changes`, advice);
  if (ended.code !== 0) throw tooMuch(agent.name, repo, lastLine(ended.stderr), advice);
  const { from, leftOut, rest } = readHead(ended.stdout);
  const files = parseDiff(rest);
  if (files.length > MAX_CHANGE_FILES)
    throw tooMuch(agent.name, repo, `${files.length} files have changed, and at most ${MAX_CHANGE_FILES} are shown`, advice);
  return { base, from: from === "" ? undefined : from, files, leftOut };
}

/** The list before the diff. */
function readHead(out: Buffer): { from: string; leftOut: LeftOut[]; rest: Buffer } {
  let at = 0;
  const next = (): string => {
    const end = out.indexOf(0, at);
    const text = out.toString("utf8", at, end < 0 ? out.length : end);
    at = end < 0 ? out.length : end + 1;
    return text;
  };
  const from = next();
  const leftOut: LeftOut[] = [];
  while (leftOut.length <= MAX_ODD) {
    const kind = next();
    if (kind === "") break;
    leftOut.push({ kind: KINDS[kind] ?? "device", path: next() });
  }
  return { from, leftOut, rest: out.subarray(at) };
}

/** Characters of git's reason that are shown. */
const MAX_WHY_CHARS = 300;
const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.slice(0, MAX_WHY_CHARS) ?? "";

const tooMuch = (agent: string, repo: string, why: string, advice: string): HiveError =>
  new HiveError("unavailable", `the changes of ${agent} in ${repo} cannot be shown: ${why || "git has failed"}; ${advice}`);
