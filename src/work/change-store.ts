import type { ChangeRecord } from "../store/changes.ts";
import type { Tx } from "../store/store.ts";
import { changeAfter, CHANGE_WORDS, isReturned, type ChangeEvent } from "../wire/change-states.ts";
import { HiveError } from "../wire/error.ts";
import { SYSTEM } from "../wire/names.ts";
import { ChangeReader } from "./change-reader.ts";
import type { WorkContext } from "./work-context.ts";

/** The kinds of the audit trail by the event that moved a change. Steps in between are not audited. */
const AUDITED: Partial<Record<ChangeEvent, string>> = {
  propose: "change_proposed",
  approve: "change_approved",
  deny: "change_denied",
  return: "change_returned",
  withdraw: "change_withdrawn",
  supersede: "change_superseded",
  orphan: "change_stale",
  dequeue: "change_dequeued",
  retry: "change_retried",
  conflict: "change_conflict",
  fail_check: "change_check_failed",
  fail_push: "change_push_failed",
  land: "change_merged",
};

/** Events that are someone else's decision on a change. */
const DECISIONS: readonly ChangeEvent[] = ["approve", "deny", "return"];

/** The note of a change that ends with its agent. */
export const OWNER_GONE = "its agent was destroyed";

/** The columns of a change that nobody has decided on. */
export const UNDECIDED = { decided_by: null, decided_at: null, queued_at: null, reason: null };

/** What a new change is made of. */
export type ChangeDraft = Omit<ChangeRecord, "id" | "seq" | "state" | "updated_at">;

/**
 * The rows of changes. Only this class moves a change. Every move is made inside a write, by the table, on the current
 * row, together with its event, its audit line and the notice to its owner.
 */
export class ChangeStore extends ChangeReader {
  readonly #context: WorkContext;
  /** Called after the commit of every change of a row. */
  readonly #listeners: ((row: ChangeRecord) => void)[];

  constructor(context: WorkContext, onChanged: (row: ChangeRecord) => void) {
    super(context.store);
    this.#context = context;
    this.#listeners = [onChanged];
  }

  /** Calls the listener after the commit of every change of a row. */
  onChanged(listener: (row: ChangeRecord) => void): void {
    this.#listeners.push(listener);
  }

  /** Stores a new change. Only inside a write. `by` proposes it. */
  insert(tx: Tx, draft: ChangeDraft, by: string): ChangeRecord {
    const { store, now } = this.#context;
    const id = store.nextSeq();
    const row: ChangeRecord = { ...draft, id, seq: id, state: "proposed", updated_at: now() };
    store.changes.insert(row);
    this.#audit("change_proposed", by, row);
    this.#publishAfter(tx, row);
    return row;
  }

  /** Throws `conflict` if an event does not apply to a change. */
  check(row: ChangeRecord, event: ChangeEvent): void {
    if (changeAfter(row.state, event) === undefined) throw new HiveError("conflict", whyNot(row, event));
  }

  /** Moves a change by the table, or throws `conflict`. Only inside a write. */
  move(tx: Tx, id: number, event: ChangeEvent, actor: string, patch: Partial<ChangeRecord> = {}): ChangeRecord {
    let row = this.get(id);
    const state = changeAfter(row.state, event);
    if (state === undefined) throw new HiveError("conflict", whyNot(row, event));
    if (DECISIONS.includes(event)) {
      this.#context.store.changes.decided(row.agent);
      row = { ...row, undecided: 0 };
    }
    const next = this.#save(tx, { ...row, ...patch, state, updated_at: this.#context.now() });
    const kind = AUDITED[event];
    if (kind !== undefined) this.#audit(kind, actor, next);
    if ((isReturned(next.state) || next.state === "denied") && actor !== next.agent_name) this.#notifyOwner(tx, next);
    return next;
  }

  /**
   * Withdraws open changes whose agents are destroyed: all of them, or one. What the queue works on is left to it. Safe to
   * call again.
   */
  async withdrawOrphans(id?: number): Promise<void> {
    const { store, agents } = this.#context;
    const isOrphan = (row: ChangeRecord): boolean =>
      (id === undefined || row.id === id) &&
      changeAfter(row.state, "withdraw") !== undefined &&
      agents.byId(row.agent)?.destroyed === true;
    if (!store.changes.open().some(isOrphan)) return;
    await store.write((tx) => {
      for (const row of store.changes.open().filter(isOrphan)) this.move(tx, row.id, "withdraw", SYSTEM, { note: OWNER_GONE });
    });
  }

  /** Changes fields of a change without moving it. Only inside a write. */
  note(tx: Tx, id: number, patch: Partial<ChangeRecord>): ChangeRecord {
    return this.#save(tx, { ...this.get(id), ...patch });
  }

  #save(tx: Tx, row: ChangeRecord): ChangeRecord {
    const next = { ...row, seq: this.#context.store.nextSeq() };
    this.#context.store.changes.update(next);
    this.#publishAfter(tx, next);
    return next;
  }

  #publishAfter(tx: Tx, row: ChangeRecord): void {
    tx.afterCommit(() => {
      this.#context.feed.publish({ kind: "change", seq: row.seq, change: this.view(row) });
      for (const listener of this.#listeners) listener(row);
    });
  }

  #audit(kind: string, actor: string, row: ChangeRecord): void {
    const { store, now } = this.#context;
    const reason = row.reason ?? row.note;
    store.ledger.audit(store.nextSeq(), {
      at: now(),
      actor,
      kind,
      agent: row.agent_name,
      ...(reason === null ? {} : { reason }),
      detail: {
        change: row.id,
        repo: row.repo,
        base: row.base,
        round: row.round,
        sha: row.sha,
        ...(row.merged_sha === null ? {} : { merged: row.merged_sha }),
      },
    });
  }

  /** Tells the owner that its change came back, in the same transaction. */
  #notifyOwner(tx: Tx, row: ChangeRecord): void {
    const owner = this.#context.agents.byId(row.agent);
    if (!owner || owner.destroyed) return;
    const comments = this.#context.store.changes.comments(row.id).filter(({ state }) => state === "open");
    this.#context.broker.notify(
      tx,
      { id: owner.id, name: owner.name },
      {
        event: "change_returned",
        change: row.id,
        repo: row.repo,
        branch: row.branch,
        base: row.base,
        sha: row.sha,
        title: row.title,
        status: row.state,
        ...(row.note === null ? {} : { note: row.note }),
        ...(row.reason === null ? {} : { reason: row.reason }),
        ...(comments.length === 0
          ? {}
          : {
              comments: comments.map(({ id, path, line, quote, text }) => ({
                comment: id,
                ...(path === null ? {} : { path, line, code: quote }),
                text,
              })),
            }),
      },
    );
  }
}

/** What people do to a change. */
const DONE: Partial<Record<ChangeEvent, string>> = {
  propose: "proposed again",
  approve: "approved",
  deny: "denied",
  return: "sent back",
  withdraw: "withdrawn",
  dequeue: "taken out of the queue",
  retry: "tried again",
};

/** The error text for an event that does not apply to a change. */
function whyNot(row: ChangeRecord, event: ChangeEvent): string {
  return `change ${row.id} of ${row.repo} cannot be ${DONE[event] ?? `moved on (${event})`}: its state is "${CHANGE_WORDS[row.state]}"`;
}
