import { mkdirSync } from "node:fs";
import { git, gitText } from "./git.ts";
import { BASE, REAL, type History, type Task } from "./history.ts";

/** Lines of the shared file, ten unchanged ones apart. Agents that change the same one conflict. */
const LINES = 3;
const APART = 10;
/** The file in which the changes meet. */
export const SHARED = "shared.txt";

/** A generated repository with one commit for each agent on the same base. Each changes a file of its own and the shared one. */
export function crowdHistory(agents: number, folder: string): History {
  mkdirSync(folder, { recursive: true });
  git(folder, ["init", "-q", "--bare", "-b", BASE]);
  const text = (changed: number, by: string): string =>
    Array.from({ length: LINES * APART }, (_, at) => (at === changed * APART ? `line ${at} ${by}\n` : `line ${at}\n`)).join("");
  const blob = (input: string): string => gitText(folder, ["hash-object", "-w", "--stdin"], { input });
  const commit = (files: Record<string, string>, message: string, parents: readonly string[]): string => {
    const lines = Object.entries(files).map(([name, content]) => `100644 blob ${blob(content)}\t${name}\n`);
    const tree = gitText(folder, ["mktree"], { input: lines.join("") });
    return gitText(folder, ["commit-tree", tree, "-m", message, ...parents.flatMap((parent) => ["-p", parent])]);
  };
  const base = commit({ [SHARED]: text(-1, "") }, "Begin", []);
  const tasks: Task[] = Array.from({ length: agents }, (_, index) => {
    const subject = `Change line ${(index % LINES) * APART} for agent ${index + 1}`;
    const files = { [SHARED]: text(index % LINES, `of agent ${index + 1}`), [`own-${index + 1}.txt`]: "mine\n" };
    const sha = commit(files, subject, [base]);
    return { index, topic: `c${index + 1}`, sha, original: sha, subject, changes: [] };
  });
  git(folder, ["update-ref", `refs/heads/${BASE}`, base]);
  // One branch brings all of them into the hive.
  const tip = commit({ [SHARED]: text(-1, "") }, "All of them", [base, ...tasks.map(({ sha }) => sha)]);
  git(folder, ["update-ref", `refs/heads/${REAL}`, tip]);
  return { folder, base, tip, tasks, empty: 0 };
}
