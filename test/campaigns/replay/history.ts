import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { git, gitText } from "./git.ts";
import { changesOf, type FileChange } from "./patches.ts";

/** The branch that the agents' changes are merged into, and the one that brings the commits which they pick. */
export const BASE = "main";
export const REAL = "real";

/** A commit that an agent applies. */
export interface Task {
  /** Its place in the history, from 0. */
  index: number;
  /** The branch that its agent makes. */
  topic: string;
  /** The commit that is picked, and the one of the given repository. */
  sha: string;
  original: string;
  subject: string;
  changes: FileChange[];
}

/** A part of a history as a repository of its own. */
export interface History {
  /** A bare repository with the branches `main`, before the first commit, and `real`, after the last one. */
  folder: string;
  base: string;
  tip: string;
  tasks: Task[];
  /** Commits that change no file. Nothing is left of them to apply. */
  empty: number;
}

export interface Range {
  commits: number;
  /** The last commit. */
  until?: string;
}

/**
 * Copies the last commits of a repository's first-parent history into a new repository at `folder`, on top of one commit
 * with the files before them. A merge becomes a commit with its difference to its first parent. Throws an Error that says
 * what to do if the repository does not have them.
 */
export function readHistory(repository: string, { commits, until = "HEAD" }: Range, folder: string): History {
  const originals = listed(repository, { commits, until });
  const objects = gitText(repository, ["rev-parse", "--git-path", "objects"]);
  mkdirSync(folder, { recursive: true });
  git(folder, ["init", "-q", "--bare", "-b", BASE]);
  const alternates = join(folder, "objects", "info", "alternates");
  writeFileSync(alternates, `${resolve(repository, objects)}\n`);
  const base = withParent(folder, originals[0] ?? "", undefined);
  let tip = base;
  const tasks: Task[] = [];
  let empty = 0;
  for (const [at, original] of originals.slice(1).entries()) {
    const sha = withParent(folder, original, tip);
    const changes = changesOf(folder, tip, sha);
    tip = sha;
    if (changes.length === 0) {
      empty++;
      continue;
    }
    const subject = gitText(folder, ["show", "-s", "--format=%s", sha]);
    tasks.push({ index: tasks.length, topic: `c${at + 1}`, sha, original, subject, changes });
  }
  git(folder, ["update-ref", `refs/heads/${BASE}`, base]);
  git(folder, ["update-ref", `refs/heads/${REAL}`, tip]);
  try {
    git(folder, ["repack", "-q", "-a", "-d"]);
  } catch (error) {
    throw new Error(
      `${repository} lacks objects of these commits, as a partial clone does: clone it whole (${(error as Error).message})`,
      { cause: error },
    );
  }
  rmSync(alternates);
  return { folder, base, tip, tasks, empty };
}

/** The commit before the range, and those of the range, oldest first. */
function listed(repository: string, { commits, until }: Required<Range>): string[] {
  if (!Number.isInteger(commits) || commits < 1) throw new Error("the number of commits must be 1 or more");
  if (!existsSync(repository)) throw new Error(`there is no folder ${repository}: name a git repository`);
  let format: string;
  try {
    format = gitText(repository, ["rev-parse", "--show-object-format"]);
  } catch (error) {
    throw new Error(`${repository} is not a git repository: name one (${(error as Error).message})`, { cause: error });
  }
  if (format !== "sha1") throw new Error(`${repository} names its objects by ${format}: the hive reads sha1 only`);
  let shas: string[];
  try {
    const argv = ["rev-list", "--first-parent", `--max-count=${commits + 1}`, "--end-of-options", `${until}^{commit}`, "--"];
    shas = gitText(repository, argv).split("\n").reverse();
  } catch (error) {
    throw new Error(`${repository} has no commit ${until}: commit something, or name another one`, { cause: error });
  }
  if (shas.length > commits) return shas;
  const isShallow = gitText(repository, ["rev-parse", "--is-shallow-repository"]) === "true";
  const what = `${repository} has ${shas.length} commits on the first-parent line of ${until}, and the first one is only built upon`;
  throw new Error(
    `${what}: ask for at most ${shas.length - 1}${isShallow ? ", or deepen this shallow clone with git fetch --unshallow" : ""}`,
  );
}

/** Headers of a commit that do not hold for a copy with another parent. */
const DROPPED = /^(?:parent|gpgsig|gpgsig-sha256|mergetag) /;

/** Stores a copy of a commit with another parent, or none. Its author and its message are the same, byte by byte. */
function withParent(folder: string, original: string, parent: string | undefined): string {
  const raw = git(folder, ["cat-file", "commit", original]);
  const end = raw.indexOf("\n\n");
  const lines = raw.subarray(0, end).toString("latin1").split("\n");
  const headers: string[] = [];
  let isDropped = false;
  for (const line of lines) {
    // A line that begins with a space goes on with the last header.
    if (!line.startsWith(" ")) isDropped = DROPPED.test(line);
    if (!isDropped) headers.push(line);
    if (line.startsWith("tree ") && parent !== undefined) headers.push(`parent ${parent}`);
  }
  const input = Buffer.concat([Buffer.from(headers.join("\n"), "latin1"), raw.subarray(end)]);
  return gitText(folder, ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"], { input });
}
