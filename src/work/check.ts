import { listRefs } from "../os/git/refs.ts";
import { pinOf, type ChangeRecord } from "../store/changes.ts";
import type { CheckFinding } from "../wire/approval.ts";
import { isBeingMerged, isChangeOver } from "../wire/change-states.ts";
import { COMPARED_MERGES, compareMerges } from "./check-merges.ts";
import { CHANGE_TRAILER } from "./queue/merge-script.ts";
import { KEPT, type Repositories } from "./repositories.ts";
import type { Repo } from "./repo-record.ts";
import type { WorkContext } from "./work-context.ts";

/** Lines of the audit trail that are read: more moves of bases than a hive has in years. */
const MAX_LINES = 100_000;
/** The kinds that record the end of a change. */
const ENDS = ["change_merged", "change_denied", "change_withdrawn", "change_superseded", "change_stale"];
/** Bytes that git prints about the merges of one repository. */
const MAX_BYTES = 64 * 1024 * 1024;

/** The data of one repository, read once. */
interface Facts {
  repo: Repo;
  rows: ChangeRecord[];
  tips: ReadonlyMap<string, string>;
  refs: ReadonlyMap<string, string>;
  /** Merge commits of the rows with their parents and the changes that they name. Those that do not exist are missing. */
  commits: Map<string, { parents: string[]; names: string[] }>;
  /** Commits of merged rows that neither their base contains nor what a reset of it has kept. */
  unreached: Set<string>;
  /** Changes whose pull requests were merged: the other host has made the commit. */
  pulled: ReadonlySet<number>;
  /** Tips to which something other than the queue has moved a base, by `<base> <sha>`. */
  moves: Set<string>;
}

/**
 * Checks the invariants of repositories and changes on a running hive. Their numbers follow those of the deploys. Changes
 * that are being merged are checked as far as possible. The newest merges are compared with what was shown, as many as
 * `compared` says.
 */
export async function checkWork(
  context: WorkContext,
  repositories: Repositories,
  { compared = COMPARED_MERGES }: { compared?: number } = {},
): Promise<CheckFinding[]> {
  const unreadable: string[] = [];
  const all: Facts[] = [];
  const rows = Map.groupBy(context.store.changes.all(), ({ repo }) => repo);
  const moves = movesOf(context);
  for (const repo of repositories.all()) {
    try {
      all.push(await read(context, repositories, repo, rows.get(repo.name) ?? [], moves.get(repo.name) ?? new Set()));
    } catch (error) {
      unreadable.push(`${repo.name} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return [
    movedByRule(all, unreadable),
    mergesAreNamed(all),
    mergedIsReached(all),
    oneAtATime(all),
    proposedIsPinned(all),
    endsOnce(context, all),
    await asShown(context, all, compared),
  ];
}

async function read(
  context: WorkContext,
  repositories: Repositories,
  repo: Repo,
  rows: ChangeRecord[],
  moves: Set<string>,
): Promise<Facts> {
  const tips = repositories.tips(repo.name);
  const refs = await listRefs(repositories.folder(repo.name), ["refs/heads", "refs/changes", "refs/upstream", KEPT]);
  const merged = rows.filter((row) => row.merged_sha !== null);
  const commits: Facts["commits"] = new Map();
  const format = `--format=%H %P%x00%(trailers:key=${CHANGE_TRAILER},valueonly,separator=%x20)%x00`;
  const shas = merged.map((row) => `${row.merged_sha}\n`).join("");
  const argv = ["log", "--no-walk=unsorted", "--ignore-missing", "--stdin", format];
  // Without a commit to show, git takes HEAD, which an empty repository does not have.
  const out = shas === "" ? "" : await context.git.read(repo.name, argv, { input: shas, maxBytes: MAX_BYTES });
  const words = out.toString("utf8").split("\0");
  for (let at = 0; at + 1 < words.length; at += 2) {
    const [sha = "", ...parents] = (words[at] ?? "").trim().split(" ");
    commits.set(sha, { parents, names: (words[at + 1] ?? "").split(" ") });
  }
  const kept = [...refs].filter(([ref]) => ref.startsWith(KEPT)).map(([, sha]) => `^${sha}\n`);
  const unreached = new Set<string>();
  for (const [base, tip] of tips) {
    const of = merged.filter((row) => row.base === base).map((row) => row.merged_sha ?? "");
    if (of.length === 0) continue;
    const input = `${of.join("\n")}\n^${tip}\n${kept.join("")}`;
    const beyond = await context.git.read(repo.name, ["rev-list", "--ignore-missing", "--stdin"], { input, maxBytes: MAX_BYTES });
    const found = new Set(beyond.toString("latin1").split("\n"));
    for (const sha of of) if (found.has(sha)) unreached.add(sha);
  }
  return { repo, rows, tips, refs, commits, unreached, moves, pulled: context.store.pulls.merged(repo.name) };
}

/** What the audit trail says of moves of bases, by repository. */
function movesOf({ store }: WorkContext): Map<string, Set<string>> {
  const moves = new Map<string, Set<string>>();
  for (const kind of ["base_moved", "base_pushed", "base_reconciled"])
    for (const line of store.ledger.audited({ kind, before: Number.MAX_SAFE_INTEGER, limit: MAX_LINES })) {
      const { repo, base, to, sha } = JSON.parse(line.detail ?? "{}") as Partial<Record<"repo" | "base" | "to" | "sha", string>>;
      if (repo === undefined) continue;
      const known = moves.get(repo) ?? new Set();
      moves.set(repo, known.add(`${base} ${to ?? sha}`));
    }
  return moves;
}

/** A base is where the queue, its upstream or the operator has moved it: now, and before each merge. */
function movedByRule(all: readonly Facts[], unreadable: string[]): CheckFinding {
  const problems = [...unreadable];
  let checked = unreadable.length;
  for (const { repo, rows, tips, refs, moves } of all) {
    const known = new Set(moves);
    for (const row of rows) {
      if (row.merged_sha !== null) known.add(`${row.base} ${row.merged_sha}`);
      if (row.state === "pushing") known.add(`${row.base} ${row.candidate}`);
    }
    // A fetch moves the base before the audit trail says so.
    for (const [ref, sha] of refs)
      if (ref.startsWith("refs/upstream/")) known.add(`${ref.slice("refs/upstream/".length)} ${sha}`);
    for (const [base, tip] of tips) {
      checked++;
      if (!known.has(`${base} ${tip}`)) problems.push(`${repo.name}: ${base} is at ${tip}, and nothing that may move it says so`);
    }
    for (const row of rows.filter((one) => one.merged_sha !== null && one.candidate_base !== null)) {
      checked++;
      if (!known.has(`${row.base} ${row.candidate_base}`))
        problems.push(
          `${repo.name}: change ${row.id} was merged onto ${row.candidate_base}, where nothing had moved ${row.base}`,
        );
    }
  }
  return finding(8, "a base is moved only by its queue, its upstream or the operator", problems, checked);
}

/** The commit of a merge exists, names its change, and has the approved commit as its second parent. */
function mergesAreNamed(all: readonly Facts[]): CheckFinding {
  const problems: string[] = [];
  let checked = 0;
  for (const { repo, rows, commits, tips, pulled } of all) {
    for (const row of rows.filter((one) => one.state === "merged")) {
      checked++;
      const commit = commits.get(row.merged_sha ?? "");
      // `repo gc` may have removed it with a base that is gone.
      if (!commit && !tips.has(row.base)) checked--;
      else if (!commit) problems.push(`${repo.name}: the commit ${row.merged_sha} of change ${row.id} does not exist`);
      // The base contained the change before.
      else if (row.merged_sha === row.candidate_base) continue;
      // Another host words and makes its merges as it likes.
      else if (pulled.has(row.id)) continue;
      else if (!commit.names.includes(`${repo.name}/${row.id}`))
        problems.push(`${repo.name}: the commit ${row.merged_sha} does not name change ${row.id}`);
      else if (commit.parents.length > 1 && commit.parents[1] !== row.sha)
        problems.push(`${repo.name}: change ${row.id} was approved as ${row.sha}, but ${commit.parents[1]} was merged`);
    }
  }
  return finding(9, "every merge names its change, and merges the commit that was approved", problems, checked);
}

function mergedIsReached(all: readonly Facts[]): CheckFinding {
  const problems: string[] = [];
  let checked = 0;
  for (const { repo, rows, tips, unreached } of all) {
    for (const row of rows.filter((one) => one.state === "merged" && tips.has(one.base))) {
      checked++;
      if (unreached.has(row.merged_sha ?? ""))
        problems.push(
          `${repo.name}: change ${row.id} is merged, but ${row.base} does not contain ${row.merged_sha}, nor does anything that a reset has kept`,
        );
    }
  }
  return finding(10, "what was reported as merged is in its base, or in what a reset of it has kept", problems, checked);
}

function oneAtATime(all: readonly Facts[]): CheckFinding {
  const problems: string[] = [];
  const busy = new Map<string, number>();
  let checked = 0;
  for (const { repo, rows } of all)
    for (const row of rows.filter(({ state }) => isBeingMerged(state))) {
      checked++;
      const key = `${repo.name} ${row.base}`;
      const other = busy.get(key);
      if (other !== undefined) problems.push(`${key}: changes ${other} and ${row.id} are merged at the same time`);
      busy.set(key, row.id);
    }
  return finding(11, "a base has at most one change that is being merged", problems, checked);
}

function proposedIsPinned(all: readonly Facts[]): CheckFinding {
  const problems: string[] = [];
  let checked = 0;
  for (const { repo, rows, refs } of all)
    for (const row of rows.filter(({ state }) => !isChangeOver(state))) {
      checked++;
      const pinned = refs.get(pinOf(row));
      if (pinned !== row.sha)
        problems.push(`${repo.name}: ${pinOf(row)} is ${pinned ?? "missing"}, and change ${row.id} proposes ${row.sha}`);
    }
  return finding(12, "the proposed commit of an open change is pinned", problems, checked);
}

function endsOnce({ store }: WorkContext, all: readonly Facts[]): CheckFinding {
  const problems: string[] = [];
  const ends = new Map<number, string[]>();
  for (const kind of ENDS)
    for (const line of store.ledger.audited({ kind, before: Number.MAX_SAFE_INTEGER, limit: MAX_LINES })) {
      const { change } = JSON.parse(line.detail ?? "{}") as { change?: number };
      if (change !== undefined) ends.set(change, [...(ends.get(change) ?? []), kind.replace("change_", "")]);
    }
  const rows = all.flatMap((facts) => facts.rows);
  for (const row of rows) {
    // Old lines of the trail are removed, so a line may be missing.
    const recorded = ends.get(row.id) ?? [];
    if (recorded.length > 1) problems.push(`${row.repo}: change ${row.id} ended more than once: ${recorded.join(", ")}`);
    else if (recorded.length === 1 && recorded[0] !== row.state)
      problems.push(`${row.repo}: change ${row.id} is ${row.state}, but it was ${recorded[0]} once`);
  }
  return finding(13, "a change ends once", problems, rows.length);
}

/** A merge changes what was shown when it was approved, and nothing else. */
async function asShown({ git }: WorkContext, all: readonly Facts[], most: number): Promise<CheckFinding> {
  const merges = all
    .flatMap(({ rows, commits, repo, pulled }) =>
      rows
        .filter(({ id }) => !pulled.has(id))
        .map((row) => ({ repo: repo.name, row, parents: commits.get(row.merged_sha ?? "")?.parents })),
    )
    // A merge that its base contained before changes nothing. Those without their commit are found above.
    .filter(({ row, parents }) => row.state === "merged" && row.merged_sha !== row.candidate_base && parents !== undefined)
    .sort((a, b) => b.row.updated_at - a.row.updated_at)
    .slice(0, most);
  const problems: string[] = [];
  let checked = 0;
  for (const [repo, some] of Map.groupBy(merges, (one) => one.repo)) {
    const found = await compareMerges(
      git,
      repo,
      some.map(({ row, parents = [] }) => ({ row, parents })),
    );
    for (const problem of found.problems) problems.push(problem);
    checked += found.checked;
  }
  return finding(14, "a merge changes only what was shown when it was approved", problems, checked);
}

function finding(invariant: number, what: string, problems: string[], checked: number): CheckFinding {
  return { invariant, what, ok: problems.length === 0, problems, checked };
}
