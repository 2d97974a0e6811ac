import type { MessageRow } from "../../store/messages.ts";
import type { Store, Tx } from "../../store/store.ts";
import { turnEndOf, type TurnOutcome } from "../../wire/harness.ts";
import { MAX_MESSAGE_FAILURES } from "../../wire/limits.ts";
import { TURN_ENDS } from "../../wire/turn-ends.ts";
import { afterAwake } from "../patience.ts";
import type { Inboxes } from "./inboxes.ts";
import type { Waiters } from "./waiters.ts";

/** What the ends of leases have to do with the rest of the broker. */
export interface LeaseEndsWorld {
  store: Store;
  inboxes: Inboxes;
  waiters: Waiters;
  /** Leases from before the start. */
  orphans: readonly MessageRow[];
  /** After a start, how long a harness may take to present its leases again. Milliseconds. */
  graceMs: number;
  /** Leases from before the start could not be returned. */
  onUnexpected(error: unknown): void;
  /** Mail may be waiting for this agent again. */
  nudge(agentId: string): void;
  /** A harness says hello: whoever slept is awake. */
  woke(agentId: string): void;
  /** A message has died: who is told of it hears in the same commit. */
  died(tx: Tx, row: MessageRow): void;
}

/**
 * How what a turn holds ends: acknowledged, given back, dropped or dead. A lease ends with its turn, with its harness or
 * with the cage; one from before a start of the daemon is given back unless its harness speaks for it in time.
 */
export class LeaseEnds {
  readonly #world: LeaseEndsWorld;
  /** Inboxes whose harness has spoken for its leases since the start. */
  readonly #presented = new Set<string>();
  #callOffGrace: () => void = () => {};

  constructor(world: LeaseEndsWorld) {
    this.#world = world;
  }

  /**
   * Starts the grace in which harnesses of before the start may present their leases; what is not presented by its end
   * is returned. Call it once, when the agents' sockets are bound: until then no harness can speak for its leases, and
   * a slow start must not use up its time.
   */
  startGrace(): void {
    const { orphans, graceMs, onUnexpected } = this.#world;
    if (orphans.length > 0) this.#callOffGrace = afterAwake(graceMs, () => void this.#returnOrphans(orphans).catch(onUnexpected));
  }

  stop(): void {
    this.#callOffGrace();
  }

  /**
   * Ends a turn, by the table of turn ends. `ok` acknowledges all of its leases. A counted end is held against the first
   * message, the one that the turn was for: at the fifth it is dead. What was drained with `recv` goes back uncounted.
   */
  async finish(agentId: string, instance: string, outcome: TurnOutcome): Promise<void> {
    const { store, nudge } = this.#world;
    await store.write((tx) => {
      const leases = store.messages.leased(agentId).filter((row) => row.instance === instance);
      leases.forEach((row, nth) => this.#end(tx, row, nth === 0, outcome));
    }, "beside");
    nudge(agentId);
  }

  #end(tx: Tx, row: MessageRow, isFirst: boolean, outcome: TurnOutcome): void {
    const { inboxes, died } = this.#world;
    const rule = TURN_ENDS[turnEndOf(outcome)].message;
    if (rule === "done") return inboxes.change(tx, row, { state: "done", instance: null, token: null });
    if (rule === "dropped" && isFirst) {
      return inboxes.change(tx, row, { state: "dropped", instance: null, token: null, reason: "cancelled by the operator" });
    }
    if (rule === "counted" && isFirst) {
      const failures = row.failures + 1;
      const reason = "reason" in outcome ? outcome.reason : null;
      if (failures < MAX_MESSAGE_FAILURES) return inboxes.giveBack(tx, row, { failures, reason });
      inboxes.change(tx, row, { state: "dead", instance: null, token: null, failures, reason });
      return died(tx, { ...row, failures, reason });
    }
    inboxes.giveBack(tx, row);
  }

  /** Says which of the leases that a harness holds are still its own; everything else that was out comes back. */
  async present(
    agentId: string,
    instance: string,
    held: readonly { id: number; token: string }[],
  ): Promise<{ id: number; token: string }[]> {
    const { store, inboxes, waiters, woke } = this.#world;
    woke(agentId);
    this.#presented.add(agentId);
    // One harness at a time: what an earlier one waits for would go to nobody.
    waiters.drop(agentId, (waiter) => waiter.instance !== instance);
    return store.write((tx) => {
      const kept: { id: number; token: string }[] = [];
      for (const row of store.messages.leased(agentId)) {
        const mine = row.instance === instance && held.some((lease) => lease.id === row.id && lease.token === row.token);
        if (mine && row.token !== null) kept.push({ id: row.id, token: row.token });
        else inboxes.giveBack(tx, row);
      }
      return kept;
    });
  }

  /** A harness is gone for good: what it held comes back, marked as redelivered. */
  async release(agentId: string, instance: string): Promise<void> {
    const { store, inboxes, waiters, nudge } = this.#world;
    waiters.drop(agentId, (waiter) => waiter.instance === instance);
    await store.write((tx) => {
      for (const row of store.messages.leased(agentId)) {
        if (row.instance === instance) inboxes.giveBack(tx, row);
      }
    });
    nudge(agentId);
  }

  /** The same when nobody knows which instance it was: the cage is gone. */
  async releaseAll(agentId: string): Promise<void> {
    const { store, inboxes, waiters, nudge } = this.#world;
    waiters.drop(agentId, () => true);
    if (inboxes.isHandling(agentId)) {
      await store.write((tx) => {
        for (const row of store.messages.leased(agentId)) inboxes.giveBack(tx, row);
      });
    }
    nudge(agentId);
  }

  /** Returns the leases from before the start whose harness has not spoken for them. */
  async #returnOrphans(orphans: readonly MessageRow[]): Promise<void> {
    const { store, inboxes, nudge } = this.#world;
    await store.write((tx) => {
      for (const orphan of orphans) {
        const row = store.messages.byId(orphan.id);
        if (row?.state === "leased" && row.token === orphan.token && !this.#presented.has(row.recipient))
          inboxes.giveBack(tx, row);
      }
    });
    for (const agent of new Set(orphans.map((row) => row.recipient))) nudge(agent);
  }
}
