import { refObjects } from "../../os/git/refs.ts";
import { pinOf, type ChangeRecord } from "../../store/changes.ts";
import type { BranchRecord } from "../../store/repositories.ts";
import type { Sha } from "../../wire/approval.ts";
import { isChangeOver } from "../../wire/change-states.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { WorkContext } from "../work-context.ts";

/** How long a branch is kept after its last push, and a change's commit after its end. Milliseconds: 30 days. */
export const KEPT_MS = 30 * 24 * 60 * 60_000;

/** What the hive itself needs of a repository. */
export interface Roots {
  /** Objects that stay, with all that they reach. */
  shas: Set<Sha>;
  /** Branches of agents that are older and belong to no open change. They go unless their commit stays anyway. */
  oldBranches: BranchRecord[];
  /** Refs `refs/changes/…` of changes that ended long ago. They go. */
  oldPins: string[];
}

/** Reads what bases, upstream, changes and branches need. Changes nothing. */
export async function readRoots({ store, git, now }: WorkContext, repo: string): Promise<Roots> {
  const since = now() - KEPT_MS;
  const shas = new Set<Sha>();
  const rows = store.changes.all().filter((row) => row.repo === repo);
  const kept = rows.filter((row) => !isChangeOver(row.state) || row.updated_at >= since);
  for (const row of kept) for (const sha of namedBy(row)) shas.add(sha);
  const open = new Set(rows.filter(({ state }) => !isChangeOver(state)).map(({ agent, branch }) => `${agent} ${branch}`));
  const branches = store.repositories.branches(repo);
  const oldBranches = branches.filter(
    (row) => row.agent !== OPERATOR && row.pushed_at < since && !open.has(`${row.agent} ${row.branch}`),
  );
  for (const row of branches) if (!oldBranches.includes(row)) shas.add(row.sha);
  const folders = new Set(kept.map((row) => pinOf(row).slice(0, pinOf(row).lastIndexOf("/") + 1)));
  const oldPins: string[] = [];
  for (const [ref, sha] of await refObjects(git.folder(repo), "refs")) {
    // Their rows say which of them count.
    if (ref.startsWith("refs/agents/")) continue;
    if (ref.startsWith("refs/changes/") && !folders.has(ref.slice(0, ref.lastIndexOf("/") + 1))) oldPins.push(ref);
    else shas.add(sha);
  }
  return { shas, oldBranches, oldPins };
}

/** The commits that a row names: what its page compares, and what an interrupted merge goes on with. */
function namedBy(row: ChangeRecord): Sha[] {
  const all = [row.sha, row.merge_base, row.reviewed_sha, row.candidate, row.candidate_base, row.merged_sha];
  return all.filter((sha) => sha !== null);
}
