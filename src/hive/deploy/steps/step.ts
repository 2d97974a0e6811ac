import type { LedgerEntry } from "../../../repos/types.ts";
import type { ApprovalRecord } from "../../../store/approvals.ts";
import type { RequestState, Sha, TreeFile } from "../../../wire/approval.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Whereabouts } from "../../agents/cages.ts";
import type { Book } from "../book.ts";
import type { DeployWorld } from "../world.ts";

/** One deploy that is under way: its request, and what the steps so far have found and made. */
export interface Deploy {
  readonly world: DeployWorld;
  readonly book: Book;
  readonly id: number;
  /** The request's row as it was stored last. */
  row: ApprovalRecord;
  /** Aborts when the daemon ends or everything is stopped; its reason is an error with the words. */
  readonly ended: AbortSignal;
  /** Aborts when the running turn is not waited for any longer. */
  readonly forced: AbortController;
  agent?: Agent;
  /** The agent was made by this deploy. */
  made?: boolean;
  files?: TreeFile[];
  entry?: LedgerEntry;
  /** The commit of the ledger that the candidate was made on. */
  head?: Sha | undefined;
  was?: Whereabouts;
}

/**
 * One step of a deploy. `do` and `undo` are idempotent and keyed by the request's id: called again after any crash they
 * end in the same state. `undo` also cleans up after a `do` that stopped half-way.
 */
export interface Step {
  name: string;
  /** The state that the request is in during this step. */
  state: RequestState;
  do(deploy: Deploy): Promise<void>;
  undo?(deploy: Deploy): Promise<void>;
}

/** The agent of a deploy, once the first step has found or made it. */
export function agentOf(deploy: Deploy): Agent {
  if (!deploy.agent) throw new Error("a step before the agent is known");
  return deploy.agent;
}
