import type { ApprovalRecord } from "../store/approvals.ts";
import type { Tx } from "../store/store.ts";
import type { RequestState } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { MANAGER } from "../wire/names.ts";
import type { Marks } from "./marks.ts";
import { isTerminal, ruleFor, terminalTag, type RequestEvent } from "../wire/request-states.ts";
import type { DeployContext } from "./deploy-context.ts";
import { RequestReader } from "./request-reader.ts";

/** The kinds of the audit trail by the event that moved a request. Steps in between are not audited. */
const AUDITED: Partial<Record<RequestEvent, string>> = {
  approve: "approved",
  deny: "denied",
  cancel: "cancelled",
  publish: "deployed",
  fail: "deploy_failed",
};

/**
 * The rows of the requests. Only this class changes a request's state. Every change is made inside a write, by the
 * table, on the current row, together with its event, its audit line and the manager's notice.
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
    this.#publishAfter(tx, row);
    return row;
  }

  /** Throws `conflict` if an event does not apply to a request. */
  check(row: ApprovalRecord, event: RequestEvent): void {
    if (!ruleFor(row.state, event)) throw new HiveError("conflict", whyNot(row, event));
  }

  /** Moves a request by the table, or throws `conflict`. Only inside a write. `facts` are added to the audit line. */
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
    // The base of the decision is fixed here, whatever runs later.
    const decided = row.state === "pending" ? { decided_base: this.running(row) ?? null } : {};
    const next = this.#save(tx, { ...row, ...patch, ...decided, state: rule.to });
    const kind = AUDITED[event];
    if (kind !== undefined) this.#audit(kind, actor, next, next.error ?? next.note, facts);
    if (isTerminal(next.state)) this.#notifyManager(tx, next);
    return next;
  }

  /** Changes fields of a request without moving it. Only inside a write. */
  note(tx: Tx, id: number, patch: Partial<ApprovalRecord>): ApprovalRecord {
    return this.#save(tx, { ...this.get(id), ...patch });
  }

  /** Updates the digest and the marks of an agent's pending requests to the running config. Only inside a write. */
  refreshPending(tx: Tx, name: string, marks: ReadonlyMap<number, Marks>): void {
    for (const row of this.#context.store.approvals.openOf(name))
      if (row.state === "pending") this.#save(tx, { ...row, ...marks.get(row.id) });
  }

  #save(tx: Tx, row: ApprovalRecord): ApprovalRecord {
    const next = { ...row, seq: this.#context.store.nextSeq() };
    this.#context.store.approvals.update(next);
    this.#publishAfter(tx, next);
    return next;
  }

  #publishAfter(tx: Tx, row: ApprovalRecord): void {
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

  /** Notifies the manager of the end of its request, in the same transaction. */
  #notifyManager(tx: Tx, row: ApprovalRecord): void {
    const manager = this.#context.swarm.manager();
    if (!manager || row.requested_by !== manager.name || (row.state === "cancelled" && row.resolved_by === manager.name)) return;
    const tag = terminalTag(row.state);
    this.#context.broker.notify(
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

/** The error text for an event that does not apply to a request. */
function whyNot(row: ApprovalRecord, event: RequestEvent): string {
  return `request ${row.id} ${PAST[row.state]}: there is nothing to ${event}`;
}
