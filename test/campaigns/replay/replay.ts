import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectLines } from "../../../src/rpc/client.ts";
import type { MergeMethod } from "../../../src/wire/work.ts";
import { TestHive } from "../../lib/hive.ts";
import { compare } from "./compare.ts";
import { crowdHistory, SHARED } from "./crowd.ts";
import { drive, type Driven } from "./drive.ts";
import { BASE, readHistory, type History, type Range } from "./history.ts";
import { REPO, RULES } from "./scenario.ts";

export interface ReplayOptions {
  agents: number;
  merge?: MergeMethod;
  report?(line: string): void;
}

/** Counts of a campaign, as it prints them. */
export interface Counts {
  commits: number;
  agents: number;
  merge: MergeMethod;
  /** Commits without a change of a file, which are left out. */
  empty: number;
  merged: number;
  /** Picks of agents that conflicted, changes that the queue returned, and commits that conflicted and are merged. */
  picks_refused: number;
  changes_returned: number;
  solved: number;
  seconds: number;
  trees_equal: boolean;
  merges_equal?: boolean;
  order_equal: boolean;
  /** What `hivectl check` found. */
  findings: string[];
  /** Paths that differ from the real ones. */
  differing: string[];
}

/** Applies the last commits of a repository through agents of a hive of its own, and compares the result. */
export async function replay(repository: string, { agents, ...options }: ReplayOptions & Range): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  try {
    const history = readHistory(repository, options, join(folder, "real.git"));
    return (await run(history, { ...options, agents: Math.min(agents, history.tasks.length) })).counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Lets many agents change one repository at once. Each change is merged, or is returned with the file of its conflict
 * named in a message to its owner.
 */
export async function crowd(
  options: ReplayOptions,
): Promise<Omit<Counts, "trees_equal" | "differing"> & { returned: number; unnamed: number }> {
  const folder = mkdtempSync(join(tmpdir(), "replay-"));
  try {
    const { counts, driven, told } = await run(crowdHistory(options.agents, join(folder, "real.git")), {
      ...options,
      once: true,
    });
    const unnamed = driven.returned.filter((change) => !told.some((text) => text.includes(`"change":${change.id},`)));
    // Its changes are alternatives, so that no history has all of them.
    const { trees_equal: _equal, differing: _differing, ...rest } = counts;
    return { ...rest, returned: driven.returned.length, unnamed: unnamed.length };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(
  history: History,
  { agents: count, merge = "merge", once = false, report = () => {} }: ReplayOptions & { once?: boolean },
): Promise<{ counts: Counts; driven: Driven; told: string[] }> {
  const start = performance.now();
  const hive = new TestHive({ HIVE_LOG_LEVEL: "error" }).play(RULES);
  try {
    await hive.start();
    await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
    await add(hive, history, merge);
    const agents = Array.from({ length: count }, (_, at) => `replayer-${at + 1}`);
    report(`${history.tasks.length} commits on ${history.base.slice(0, 12)}, ${count} agents`);
    for (const name of agents) await hive.call("spawn", { name, config: { repos: [{ name: REPO }] } });
    const driven = await drive(hive, history, { agents, once, report });
    const compared = await compare(hive, history, driven.merged, merge);
    const { findings } = await hive.call("check", {});
    const told = once ? await conflictsTold(hive, agents) : [];
    const counts: Counts = {
      commits: history.tasks.length,
      agents: count,
      merge,
      empty: history.empty,
      merged: driven.merged.length,
      picks_refused: driven.picksRefused,
      changes_returned: driven.changesReturned,
      solved: driven.solved,
      seconds: Math.round((performance.now() - start) / 1000),
      trees_equal: compared.treesEqual,
      ...(compared.mergesEqual === undefined ? {} : { merges_equal: compared.mergesEqual }),
      order_equal: compared.orderEqual,
      findings: findings.flatMap(({ problems }) => problems),
      differing: compared.differing,
    };
    return { counts, driven, told };
  } finally {
    await hive.dispose();
  }
}

/** Adds the repository as the operator does: from a folder that is exported to the hive. */
async function add(hive: TestHive, history: History, merge: MergeMethod): Promise<void> {
  const nonce = randomBytes(16).toString("hex");
  writeFileSync(join(history.folder, "hive-export"), nonce);
  const client = await connectLines(hive.socket, { ordered: true });
  try {
    const input = { name: REPO, folder: history.folder, nonce, base: BASE, merge };
    for await (const { repo } of client.stream("repo_add", input)) if (repo) return;
    throw new Error("the hive did not add the repository");
  } finally {
    client.close();
  }
}

/** The messages that tell agents of a conflict and name its file. */
async function conflictsTold(hive: TestHive, agents: readonly string[]): Promise<string[]> {
  const texts: string[] = [];
  for (const agent of agents) {
    const { messages } = await hive.call("messages", { agent, limit: 100 });
    for (const { body = "" } of messages) if (body.includes("change_returned") && body.includes(SHARED)) texts.push(body);
  }
  return texts;
}
