import type { ChangeRecord } from "../../store/changes.ts";
import type { Sha } from "../../wire/approval.ts";
import { changeAfter } from "../../wire/change-states.ts";
import { SYSTEM } from "../../wire/names.ts";
import type { ChangeStore } from "../change-store.ts";
import { isContained } from "../diff.ts";
import type { Repositories } from "../repositories.ts";
import type { Repo } from "../repo-record.ts";
import type { WorkContext } from "../work-context.ts";
import type { Checks } from "./check/checks.ts";
import type { Swaps } from "../remote/swaps.ts";
import type { Slots } from "./slots.ts";

/** The parts that the steps of a merge use. */
export interface QueueParts {
  context: WorkContext;
  repositories: Repositories;
  changes: ChangeStore;
  /** Moves the bases of upstreams on other hosts. */
  swaps: Pick<Swaps, "applies" | "refresh" | "tip" | "swap">;
}

/** One attempt to merge a change. */
export interface Run extends QueueParts {
  id: number;
  /** The repository as it was when the attempt began. */
  repo: Repo;
  base: string;
  /** The tip that the change is merged onto. Undefined: the base does not exist yet. */
  tip: Sha | undefined;
  /**
   * The tip of the upstream's base when the attempt began, where merges are pushed first. A later fetch may see another
   * one, which the result does not contain.
   */
  upstreamTip: Sha | undefined;
  checks: Checks;
  /** Bounds the merges that git computes at once. */
  merges: Slots;
  /** Aborts when the daemon stops, when the repository is removed, and when the attempt is to make room. */
  ended: AbortSignal;
  /** Aborts when the daemon stops, and when the repository is removed. A push is not ended for less. */
  stopped: AbortSignal;
}

/** How an attempt ended. `merged`: the queue has done its part. `lost`: the base has moved meanwhile. */
export type RunEnd = "merged" | "returned" | "lost";

/** True if a change may be in its upstream already, and only its upstream knows. */
export function isWithUpstream({ repositories, swaps }: QueueParts, row: ChangeRecord): boolean {
  const repo = repositories.find(row.repo);
  return row.state === "pushing" && repo !== undefined && swaps.applies(repo);
}

/**
 * Brings a change that a failed or interrupted attempt has left to a state at rest: `merged` if its base contains the
 * result, else `queued`. Safe to call again. For a change that is with its upstream, call it after a fetch.
 */
export async function settle(
  { context, repositories, changes }: QueueParts,
  id: number,
  reason: string | null,
): Promise<ChangeRecord> {
  const row = changes.get(id);
  if (row.state === "pushing" && (await isPushed(context, repositories, row))) return land({ context, changes }, row);
  if (changeAfter(row.state, "requeue") === undefined) return row;
  const patch = { reason, candidate: null, candidate_base: null };
  return context.store.write((tx) => changes.move(tx, id, "requeue", SYSTEM, patch));
}

async function isPushed({ git }: WorkContext, repositories: Repositories, row: ChangeRecord): Promise<boolean> {
  const tip = repositories.tip(row.repo, row.base);
  if (row.candidate === null || tip === undefined) return false;
  return row.candidate === tip || isContained(git, row.repo, row.candidate, tip);
}

/** Stores that the base contains a change. The base is on stable storage by then. */
export function land({ context, changes }: Pick<QueueParts, "context" | "changes">, row: ChangeRecord): Promise<ChangeRecord> {
  const patch = { merged_sha: row.candidate, reason: null };
  return context.store.write((tx) => changes.move(tx, row.id, "land", row.decided_by ?? SYSTEM, patch));
}
