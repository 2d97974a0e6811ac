import type { MessageRow } from "../store/messages.ts";
import type { Store, Tx } from "../store/store.ts";
import { cut } from "../wire/cut.ts";
import { turnEndOf, type TurnOutcome } from "../wire/harness.ts";
import { MAX_MESSAGE_FAILURES, MAX_REASON_CHARS } from "../wire/limits.ts";
import { TURN_ENDS } from "../wire/turn-ends.ts";
import { afterAwake } from "../lib/timers.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Waiters } from "./waiters.ts";

/** The parts of the broker that `LeaseEnds` uses. */
export interface LeaseEndDeps {
  store: Store;
  inboxes: Inboxes;
  waiters: Waiters;
  /** Leases from before the start. */
  orphans: readonly MessageRow[];
  /** After a start, how long a harness may take to present its leases. Milliseconds. */
  graceMs: number;
  /** Reports that leases from before the start could not be returned. */
  onUnexpected(error: unknown): void;
  /** Called when the agent may have mail again. */
  nudge(agentId: string): void;
  /** Called when a harness has said hello, so its agent is awake. */
  woke(agentId: string): void;
  /** Called when a message is dead. Runs in the same transaction, so that its notice is stored with it. */
  died(tx: Tx, row: MessageRow): void;
}

/**
 * Ends leases: a message is acknowledged, returned, dropped or dead. A lease ends with its turn, its harness or its
 * cage. A lease from before a start of the daemon is returned unless its harness presents it in time.
 */
export class LeaseEnds {
  readonly #deps: LeaseEndDeps;
  /** Inboxes whose harness has presented its leases since the start. */
  readonly #presented = new Set<string>();
  #cancelGrace: () => void = () => {};

  constructor(deps: LeaseEndDeps) {
    this.#deps = deps;
  }

  /**
   * Starts the grace period in which harnesses from before the start may present their leases. Leases that are not
   * presented in time are returned. Called once, when the agents' sockets are bound. Before that no harness can present
   * leases, and a slow start must not use up the time.
   */
  start(): void {
    const { orphans, graceMs, onUnexpected } = this.#deps;
    if (orphans.length > 0) this.#cancelGrace = afterAwake(graceMs, () => void this.#returnOrphans(orphans).catch(onUnexpected));
  }

  stop(): void {
    this.#cancelGrace();
  }

  /**
   * Ends a turn according to `TURN_ENDS`. `ok` acknowledges all its leases. A counted end counts against the first
   * message, for which the turn ran. The fifth such end makes it dead. Messages from `recv` are returned uncounted.
   */
  async finish(agentId: string, instance: string, outcome: TurnOutcome): Promise<void> {
    const { store, nudge } = this.#deps;
    await store.write((tx) => {
      const leases = store.messages.leased(agentId).filter((row) => row.instance === instance);
      leases.forEach((row, nth) => this.#end(tx, row, nth === 0, outcome));
    });
    nudge(agentId);
  }

  #end(tx: Tx, row: MessageRow, isFirst: boolean, outcome: TurnOutcome): void {
    const { inboxes, died } = this.#deps;
    const rule = TURN_ENDS[turnEndOf(outcome)].message;
    if (rule === "done") return inboxes.change(tx, row, { state: "done", instance: null, token: null });
    if (rule === "dropped" && isFirst) {
      return inboxes.change(tx, row, { state: "dropped", instance: null, token: null, reason: "cancelled by the operator" });
    }
    if (rule === "counted" && isFirst) {
      const failures = row.failures + 1;
      const reason = "reason" in outcome ? cut(outcome.reason, MAX_REASON_CHARS) : null;
      if (failures < MAX_MESSAGE_FAILURES) return inboxes.requeue(tx, row, { failures, reason });
      inboxes.change(tx, row, { state: "dead", instance: null, token: null, failures, reason });
      return died(tx, { ...row, failures, reason });
    }
    inboxes.requeue(tx, row);
  }

  /** Confirms which leases of a harness are still its own. Returns all other leases of the agent to the inbox. */
  async present(
    agentId: string,
    instance: string,
    held: readonly { id: number; token: string }[],
  ): Promise<{ id: number; token: string }[]> {
    const { store, inboxes, waiters, woke } = this.#deps;
    woke(agentId);
    this.#presented.add(agentId);
    // An agent has one harness at a time. A message to a waiter of an earlier one would be lost.
    waiters.drop(agentId, (waiter) => waiter.instance !== instance);
    return store.write((tx) => {
      const kept: { id: number; token: string }[] = [];
      for (const row of store.messages.leased(agentId)) {
        const mine = row.instance === instance && held.some((lease) => lease.id === row.id && lease.token === row.token);
        if (mine && row.token !== null) kept.push({ id: row.id, token: row.token });
        else inboxes.requeue(tx, row);
      }
      return kept;
    });
  }

  /** A harness has ended permanently: returns its leases, marked as redelivered. */
  async release(agentId: string, instance: string): Promise<void> {
    const { store, inboxes, waiters, nudge } = this.#deps;
    waiters.drop(agentId, (waiter) => waiter.instance === instance);
    await store.write((tx) => {
      for (const row of store.messages.leased(agentId)) {
        if (row.instance === instance) inboxes.requeue(tx, row);
      }
    });
    nudge(agentId);
  }

  /** Returns all leases of an agent. For a cage that has ended, when the instance is unknown. */
  async releaseAll(agentId: string): Promise<void> {
    const { store, inboxes, waiters, nudge } = this.#deps;
    waiters.drop(agentId, () => true);
    if (inboxes.isHandling(agentId)) {
      await store.write((tx) => {
        for (const row of store.messages.leased(agentId)) inboxes.requeue(tx, row);
      });
    }
    nudge(agentId);
  }

  /** Returns the leases from before the start that no harness has presented. */
  async #returnOrphans(orphans: readonly MessageRow[]): Promise<void> {
    const { store, inboxes, nudge } = this.#deps;
    await store.write((tx) => {
      for (const orphan of orphans) {
        const row = store.messages.byId(orphan.id);
        if (row?.state === "leased" && row.token === orphan.token && !this.#presented.has(row.recipient))
          inboxes.requeue(tx, row);
      }
    });
    for (const agent of new Set(orphans.map((row) => row.recipient))) nudge(agent);
  }
}
