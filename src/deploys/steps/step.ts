import type { LedgerEntry } from "../../config-repos/types.ts";
import type { ApprovalRecord } from "../../store/approvals.ts";
import type { RequestState, Sha, TreeFile } from "../../wire/approval.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Whereabouts } from "../../agents/trial.ts";
import type { RequestStore } from "../request-store.ts";
import type { DeployContext } from "../deploy-context.ts";

/** A running deploy. Steps add what they find, and `Steps` types it. */
export interface Deploy {
  readonly context: DeployContext;
  readonly requestStore: RequestStore;
  readonly id: number;
  /** The request's row as last stored. */
  row: ApprovalRecord;
  /** Aborts when the daemon stops or everything is stopped. Its reason is an error. */
  readonly ended: AbortSignal;
  /** Aborts when the deploy no longer waits for the running turn. */
  readonly forced: AbortController;
}

/** The result of the first step. */
export interface WithAgent {
  agent: Agent;
  /** True if this deploy created the agent. */
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
  /** The ledger commit that the candidate is based on. */
  head: Sha | undefined;
}
/** The state of the agent before the deploy changed it. */
export interface WithWhereabouts {
  was: Whereabouts;
}
/** Everything that a deploy may have found before a failure. */
export type Found = Partial<WithAgent & WithFiles & WithLock & WithWhereabouts>;

/**
 * A step of a deploy. It needs `Known` and adds `Adds`. `do` and `undo` are idempotent and keyed by the request's id:
 * called again after a crash, they end in the same state. `undo` also cleans up after a `do` that stopped half-way.
 * Such a `do` has passed what it had found to `keep`.
 */
export interface Step<Known extends object = object, Adds extends object = object> {
  name: string;
  /** The state that the request is in during this step. */
  state: RequestState;
  // Properties, not methods: TypeScript checks the parameters of methods loosely, so any order of steps would compile.
  readonly do: (deploy: Deploy & Known, keep: (found: Partial<Adds>) => void) => Promise<Adds>;
  readonly undo?: (deploy: Deploy & Known & Partial<Adds>) => Promise<void>;
}

/** A step as the runner sees it. The runner passes each step what the earlier ones have added. */
export type AnyStep = Step<never>;

/** A list of steps in which each needs only what earlier ones have added. Another order does not compile. */
export class Steps<Known extends object = object> {
  readonly list: readonly AnyStep[];

  constructor(list: readonly AnyStep[] = []) {
    this.list = list;
  }

  add<Adds extends object>(step: Step<Known, Adds>): Steps<Known & Adds> {
    return new Steps([...this.list, step]);
  }
}
