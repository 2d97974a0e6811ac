import type { ApprovalRecord } from "../store/approvals.ts";
import type { Tx } from "../store/store.ts";
import type { RequestState } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { MANAGER } from "../wire/names.ts";
import type { Marks } from "./marks.ts";
import { isTerminal, ruleFor, terminalTag, type RequestEvent } from "../wire/request-states.ts";
import type { DeployContext } from "./deploy-context.ts";
import { RequestReader } from "./request-reader.ts";

/** Kinds of the audit trail, by the event that moved a request. Steps in between are not lifecycle changes. */
const AUDITED: Partial<Record<RequestEvent, string>> = {
  approve: "approved",
  deny: "denied",
  cancel: "cancelled",
  publish: "deployed",
  fail: "deploy_failed",
};

/**
 * The rows of the requests: the one place where a request changes its state. Every change is made inside a write, by
 * the table, over the row as it is then; its event, its line in the audit trail and the manager's message go with it.
 */
export class RequestStore extends RequestReader {
  readonly #context: DeployContext;

  constructor(context: DeployContext) {
    super(context);
    this.#context = context;
  }

  /** Stores a new request. Only inside a write. */
  insert(tx: Tx, facts: Omit<ApprovalRecord, "id" | "seq" | "state">): ApprovalRecord {
    const { store } = this.#context;
    const id = store.nextSeq();
    const row: ApprovalRecord = { ...facts, id, seq: id, state: "pending" };
    store.approvals.insert(row);
    this.#audit("requested", row.requested_by, row, row.description);
    this.#tell(tx, row);
    return row;
  }

  /** Throws `conflict` when an event does not apply to a request. */
  check(row: ApprovalRecord, event: RequestEvent): void {
    if (!ruleFor(row.state, event)) throw new HiveError("conflict", whyNot(row, event));
  }

  /**
   * Moves a request by the table, or throws `conflict`. Only inside a write. `facts` go into the audit trail beside those
   * of the row.
   */
  move(
    tx: Tx,
    id: number,
    event: RequestEvent,
    actor: string,
    patch: Partial<ApprovalRecord> = {},
    facts: Record<string, unknown> = {},
  ): ApprovalRecord {
    const row = this.get(id);
    const rule = ruleFor(row.state, event);
    if (!rule) throw new HiveError("conflict", whyNot(row, event));
    // What it was decided against is known from here on, whatever runs later.
    const decided = row.state === "pending" ? { decided_base: this.running(row) ?? null } : {};
    const next = this.#save(tx, { ...row, ...patch, ...decided, state: rule.to });
    const kind = AUDITED[event];
    if (kind !== undefined) this.#audit(kind, actor, next, next.error ?? next.note, facts);
    if (isTerminal(next.state)) this.#tellManager(tx, next);
    return next;
  }

  /** Changes what a request notes without moving it. Only inside a write. */
  note(tx: Tx, id: number, patch: Partial<ApprovalRecord>): ApprovalRecord {
    return this.#save(tx, { ...this.get(id), ...patch });
  }

  /** Pending requests of this agent get the digest and the marks against what runs now. Only inside a write. */
  refreshPending(tx: Tx, name: string, marks: ReadonlyMap<number, Marks>): void {
    for (const row of this.#context.store.approvals.openOf(name))
      if (row.state === "pending") this.#save(tx, { ...row, ...marks.get(row.id) });
  }

  #save(tx: Tx, row: ApprovalRecord): ApprovalRecord {
    const next = { ...row, seq: this.#context.store.nextSeq() };
    this.#context.store.approvals.update(next);
    this.#tell(tx, next);
    return next;
  }

  #tell(tx: Tx, row: ApprovalRecord): void {
    tx.afterCommit(() => this.#context.feed.publish({ kind: "approval", seq: row.seq, approval: this.view(row) }));
  }

  #audit(kind: string, actor: string, row: ApprovalRecord, reason: string | null, facts: Record<string, unknown> = {}): void {
    const { store, now } = this.#context;
    store.ledger.audit(store.nextSeq(), {
      at: now(),
      actor,
      kind,
      agent: row.name,
      request: row.id,
      ...(reason === null ? {} : { reason }),
      detail: { sha: row.sha, origin: row.origin, ...(row.digest === null ? {} : { digest: row.digest }), ...facts },
    });
  }

  /** Whoever asked in the swarm hears how it ended, in the same commit. */
  #tellManager(tx: Tx, row: ApprovalRecord): void {
    const manager = this.#context.swarm.manager();
    if (!manager || row.requested_by !== manager.name || (row.state === "cancelled" && row.resolved_by === manager.name)) return;
    const tag = terminalTag(row.state);
    this.#context.broker.tellFromSystem(
      tx,
      { id: manager.id, name: MANAGER },
      {
        event: "approval_resolved",
        id: row.id,
        agent: row.name,
        kind: row.kind,
        status: row.state,
        sha: row.sha,
        ...(tag === undefined ? {} : { tag: `${tag}/${row.id}` }),
        ...(row.note === null ? {} : { note: row.note }),
        ...(row.error === null ? {} : { error: row.error }),
      },
    );
  }
}

const PAST: Record<RequestState, string> = {
  pending: "waits for its approval",
  approved: "is approved already",
  building: "is being built",
  waiting: "is built and waits for the running turn to end",
  activating: "is being activated",
  deployed: "is deployed",
  failed: "has failed",
  denied: "was denied",
  cancelled: "was cancelled",
};

/** Why an event does not apply to a request, in words. */
function whyNot(row: ApprovalRecord, event: RequestEvent): string {
  return `request ${row.id} ${PAST[row.state]}: there is nothing to ${event}`;
}
