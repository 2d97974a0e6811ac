import { join } from "node:path";
import type { TestHive } from "../../lib/hive.ts";
import type { ChangeView, MergeMethod } from "../../../src/wire/work.ts";
import { git, gitText } from "./git.ts";
import { BASE, type History } from "./history.ts";
import { REPO } from "./scenario.ts";

/** Paths of a difference that are named. */
const MAX_NAMED = 20;

export interface Compared {
  /** The base's files are those of the last commit of the history. */
  treesEqual: boolean;
  /** Paths that differ. */
  differing: string[];
  /** `git merge --no-ff` of the merged changes in their order gives the same files. Undefined for other merge methods. */
  mergesEqual?: boolean;
  /** The base has one commit for each change, in the order in which they were said to be merged. */
  orderEqual: boolean;
}

/** Fetches the base of the hive into a plain clone, as the operator does, and compares it. */
export async function compare(
  hive: TestHive,
  history: History,
  merged: readonly ChangeView[],
  method: MergeMethod,
): Promise<Compared> {
  const folder = join(hive.folder, "plain");
  git(hive.folder, ["clone", "-q", "--no-local", history.folder, folder]);
  const { url, token } = await hive.call("repo_token", { name: REPO });
  git(folder, ["fetch", "-q", url.replace("http://", `http://hive:${token}@`), BASE]);
  const tip = gitText(folder, ["rev-parse", "FETCH_HEAD"]);
  const differing = gitText(folder, ["diff", "--name-only", "--no-renames", history.tip, tip]).split("\n").filter(Boolean);
  const format = "%P %(trailers:key=Hive-Change,valueonly,separator=%x20)";
  const range = `${history.base}..${tip}`;
  const commits = gitText(folder, ["log", "--first-parent", "--reverse", `--format=${format}`, range]).split("\n");
  const named = commits.map((line) => line.split(" ").at(-1));
  const compared: Compared = {
    treesEqual: treeOf(folder, tip) === treeOf(folder, history.tip),
    differing: differing.slice(0, MAX_NAMED),
    orderEqual: named.join() === merged.map(({ id }) => `${REPO}/${id}`).join(),
  };
  if (method !== "merge") return compared;
  git(folder, ["checkout", "-q", "--detach", history.base]);
  for (const line of commits) git(folder, ["merge", "-q", "--no-ff", "--no-verify", "-m", "merge", line.split(" ")[1] ?? ""]);
  return { ...compared, mergesEqual: treeOf(folder, "HEAD") === treeOf(folder, tip) };
}

const treeOf = (folder: string, commit: string): string => gitText(folder, ["rev-parse", `${commit}^{tree}`]);
