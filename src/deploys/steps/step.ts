import type { LedgerEntry } from "../../config-repos/types.ts";
import type { ApprovalRecord } from "../../store/approvals.ts";
import type { RequestState, Sha, TreeFile } from "../../wire/approval.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Whereabouts } from "../../agents/trial.ts";
import type { RequestStore } from "../request-store.ts";
import type { DeployContext } from "../deploy-context.ts";

/** One deploy that is under way. What its steps find is added as they go, and typed by `Steps`. */
export interface Deploy {
  readonly context: DeployContext;
  readonly requestStore: RequestStore;
  readonly id: number;
  /** The request's row as it was stored last. */
  row: ApprovalRecord;
  /** Aborts when the daemon ends or everything is stopped; its reason is an error with the words. */
  readonly ended: AbortSignal;
  /** Aborts when the running turn is not waited for any longer. */
  readonly forced: AbortController;
}

/** What the first step finds. */
export interface WithAgent {
  agent: Agent;
  /** The agent was made by this deploy. */
  made: boolean;
}
/** The files that were approved. */
export interface WithFiles {
  files: TreeFile[];
}
/** The commit that would lock the deploy in the ledger. */
export interface WithLock {
  entry: LedgerEntry;
  candidate: Sha;
  /** The commit of the ledger that the candidate was made on. */
  head: Sha | undefined;
}
/** Where the agent was before the deploy touched it. */
export interface WithWhereabouts {
  was: Whereabouts;
}
/** Everything that a deploy may have found by the time something fails. */
export type Found = Partial<WithAgent & WithFiles & WithLock & WithWhereabouts>;

/**
 * One step of a deploy: it needs what `Known` says and adds what `Adds` says. `do` and `undo` are idempotent and keyed by
 * the request's id: called again after any crash they end in the same state. `undo` also cleans up after a `do` that
 * stopped half-way; what that had found by then it has passed to `keep`.
 */
export interface Step<Known extends object = object, Adds extends object = object> {
  name: string;
  /** The state that the request is in during this step. */
  state: RequestState;
  // Properties, not methods: parameters of methods are compared loosely, and any order would compile.
  readonly do: (deploy: Deploy & Known, keep: (found: Partial<Adds>) => void) => Promise<Adds>;
  readonly undo?: (deploy: Deploy & Known & Partial<Adds>) => Promise<void>;
}

/** A step in the hands of the runner, which gives each what the ones before have added. */
export type AnyStep = Step<never>;

/** A row of steps in which each needs only what those before it have added: another order does not compile. */
export class Steps<Known extends object = object> {
  readonly list: readonly AnyStep[];

  constructor(list: readonly AnyStep[] = []) {
    this.list = list;
  }

  add<Adds extends object>(step: Step<Known, Adds>): Steps<Known & Adds> {
    return new Steps([...this.list, step]);
  }
}
