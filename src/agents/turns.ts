import { interruptedEnd, type LastTurnRecord, type Metered, type OpenTurn } from "../store/turns.ts";
import type { TokenCounts } from "../wire/agent.ts";
import type { NumberedEvent, SpooledEvent, StoredTurnEvent, TurnEvent } from "../wire/event.ts";
import { cut } from "../wire/cut.ts";
import { instant } from "../wire/instant.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_NOTE_CHARS, MAX_REASON_CHARS } from "../wire/limits.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import { stateOf, type Agent, type RunningTurn } from "./agent.ts";
import type { AgentBus } from "./events.ts";
import { TurnNumbers } from "./turn-numbers.ts";

/** The storage that `Turns` needs. */
export interface TurnStore {
  /** Appends events of a harness instance. Skips those up to its stored `n`. */
  append(
    agent: { id: string; name: string },
    instance: string,
    events: NumberedEvent[],
  ): Promise<{ confirmedN: number; stored: StoredTurnEvent[] }>;
  page(
    agentId: string,
    agentName: string,
    query: { before?: number; limit: number },
  ): { events: StoredTurnEvent[]; more: boolean };
  /** The agent's open turns. */
  open(agentId: string): OpenTurn[];
  /** Appends turn ends that the daemon decides on. */
  end(agent: { id: string; name: string }, at: number, ends: TurnEvent[]): Promise<void>;
  confirmedN(agentId: string, instance: string): number;
  nextTurn(agentId: string): number;
  lastTurn(agentId: string): LastTurnRecord | undefined;
}

export interface TurnDeps {
  store: TurnStore;
  bus: Pick<AgentBus, "emit">;
  now(): number;
}

const notMetered = (): Metered => ({
  tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
  costUsd: undefined,
  isUnpriced: false,
  budgetUsd: 0,
});

/**
 * Records turns as their harness reports them, with tokens and cost from the gateway. Ends turns whose harness has
 * ended. Every turn that began ends exactly once.
 */
export class Turns {
  readonly #store: TurnStore;
  readonly #bus: Pick<AgentBus, "emit">;
  readonly #now: () => number;
  readonly #numbers: TurnNumbers;
  /** The newest turn of each agent that has ended. Its row is open until the write of its end. */
  readonly #ended = new WeakMap<Agent, number>();
  /** Writes of events in progress. */
  readonly #recording = new WeakMap<Agent, Set<Promise<unknown>>>();

  constructor({ store, bus, now }: TurnDeps) {
    this.#store = store;
    this.#bus = bus;
    this.#now = now;
    this.#numbers = new TurnNumbers((agentId) => store.nextTurn(agentId));
  }

  /**
   * Stores events. Resolves with the last `n` that is on stable storage. Throws `bad_request` before it stores anything
   * if the daemon did not assign a turn's number.
   */
  record(agent: Agent, instance: string, events: Parsed<"publish">["events"]): Promise<number> {
    this.#numbers.take(agent, events);
    const corrected = events.map((spooled) => this.#follow(agent, this.#timed(agent, spooled)));
    return this.#recorded(agent, this.#store.append(agent, instance, corrected));
  }

  /** Takes the number of a turn that its harness ends. Throws `bad_request` if the daemon did not assign it. */
  takeEnd(agent: Agent, turn: number): void {
    this.#numbers.takeEnd(agent, turn);
  }

  async #recorded(agent: Agent, storing: ReturnType<TurnStore["append"]>): Promise<number> {
    const recording = this.#recording.get(agent) ?? new Set();
    this.#recording.set(agent, recording.add(storing));
    try {
      const { confirmedN, stored } = await storing;
      for (const { at, event } of stored)
        if (event.type === "turn_end") this.#bus.emit("turn_recorded", { agent, end: event, at: Date.parse(at) });
      this.#bus.emit("changed", agent);
      return confirmedN;
    } finally {
      recording.delete(storing);
    }
  }

  /**
   * Ends the agent's open turns as interrupted because their harness has ended. Turns of the harness `except` continue.
   * Waits until the events that the harness published before it ended are stored.
   */
  async interrupt(agent: Agent, why: string, except?: string): Promise<void> {
    const metered = agent.turn;
    if (except === undefined) this.#end(agent, metered?.turn);
    await Promise.allSettled(this.#recording.get(agent) ?? new Set<Promise<unknown>>());
    const at = this.#now();
    const ends = this.#store
      .open(agent.id)
      .filter(({ instance }) => except === undefined || instance !== except)
      .map((turn) => interruptedEnd(turn, at, why, metered?.turn === turn.turn ? metered : turn.metered));
    if (ends.length === 0) return;
    for (const { turn } of ends) this.#end(agent, turn);
    await this.#store.end(agent, at, ends);
    for (const end of ends) {
      this.#bus.emit("turn_recorded", { agent, end, at });
      this.#bus.emit("turn_ended", { agent, result: "interrupted" });
    }
  }

  /**
   * The start or the end of a turn not before what is known of the agent's turns, and not in the future. A harness may
   * publish late, but what it says decides which changes the turn counts for.
   */
  #timed(agent: Agent, spooled: SpooledEvent): SpooledEvent {
    const { type } = spooled.event;
    if (type !== "turn_start" && type !== "turn_end") return spooled;
    const running = agent.turn ?? this.#resumed(agent);
    const known = running ? (running.answeredAt ?? running.startedAt) : (this.#store.lastTurn(agent.id)?.endedAt ?? 0);
    // A start that is published again keeps its time: nothing is known of before it.
    const isAgain = type === "turn_start" && running?.turn === spooled.event.turn;
    const earliest = isAgain ? running.startedAt : known;
    return { ...spooled, at: instant(Math.min(Math.max(Date.parse(spooled.at), earliest), this.#now())) };
  }

  /** Tracks the running turn. Puts the metered figures into its end event. */
  #follow(agent: Agent, reported: SpooledEvent): NumberedEvent {
    const spooled = bounded({ ...reported, event: withResult(reported.event) });
    const { event } = spooled;
    if (event.type === "turn_start") {
      // Published again over a new connection. The metered figures stay.
      if (agent.turn?.turn === event.turn) return spooled;
      stateOf(agent).turn.running = { turn: event.turn, startedAt: Date.parse(spooled.at), ...notMetered() };
      return spooled;
    }
    if (event.type !== "turn_end") return spooled;
    const running = agent.turn ?? this.#resumed(agent);
    const metered = running?.turn === event.turn ? running : undefined;
    if (!metered) return spooled;
    this.#end(agent, event.turn);
    const { cost_usd: _claimed, ...rest } = event;
    const cost = metered.costUsd === undefined ? {} : { cost_usd: metered.costUsd };
    const credential = metered.credential === undefined ? {} : { credential: metered.credential };
    return { ...spooled, event: { ...rest, tokens: metered.tokens, ...cost, ...credential } };
  }

  /** A turn has ended: from here on no answer counts for it. */
  #end(agent: Agent, turn: number | undefined): void {
    if (turn === undefined) return;
    this.#ended.set(agent, turn);
    if (agent.turn?.turn === turn) stateOf(agent).turn.running = undefined;
  }

  /**
   * Adds metered usage to the running turn, and returns it. A single answer without a price makes the cost of the turn
   * unknown.
   */
  meter(
    agent: Agent,
    used: { tokens: TokenCounts; costUsd: number | undefined; budgetUsd: number; credential: string },
  ): RunningTurn | undefined {
    const turn = (stateOf(agent).turn.running ??= this.#running(agent));
    if (!turn) return undefined;
    for (const kind of ["input", "output", "cache_read", "cache_write"] as const) turn.tokens[kind] += used.tokens[kind];
    turn.answeredAt = this.#now();
    turn.credential = used.credential;
    turn.isUnpriced ||= used.costUsd === undefined;
    turn.budgetUsd += used.budgetUsd;
    turn.costUsd = turn.isUnpriced ? undefined : (turn.costUsd ?? 0) + (used.costUsd ?? 0);
    return turn;
  }

  /** Goes on with the turn of a harness that was at work under the last daemon. */
  resume(agent: Agent): void {
    stateOf(agent).turn.running ??= this.#running(agent);
  }

  /** The turn that the last daemon was metering, unless it has ended here. */
  #running(agent: Agent): RunningTurn | undefined {
    const resumed = this.#resumed(agent);
    return resumed?.turn === this.#ended.get(agent) ? undefined : resumed;
  }

  /** The turn whose row is open: the last daemon was metering it when it ended, or the write of its end has failed. */
  #resumed(agent: Agent): RunningTurn | undefined {
    const open = this.#store.open(agent.id).at(-1);
    return open && { turn: open.turn, startedAt: open.startedAt, ...(open.metered ?? notMetered()) };
  }

  position(agent: Agent, instance: string): { confirmedN: number; nextTurn: number } {
    return { confirmedN: this.#store.confirmedN(agent.id, instance), nextTurn: this.#numbers.given(agent) };
  }

  page(agent: Agent, query: Parsed<"turn_events">): Output<"turn_events"> {
    return this.#store.page(agent.id, agent.name, {
      limit: query.limit,
      ...(query.before === undefined ? {} : { before: query.before }),
    });
  }

  last(agent: Agent): LastTurnRecord | undefined {
    return this.#store.lastTurn(agent.id);
  }
}

/** Adds a result to an event of an older harness, which does not send one. */
function withResult(event: SpooledEvent["event"]): TurnEvent {
  if (event.type !== "turn_end") return event;
  return { ...event, result: event.result ?? (event.ok ? "ok" : event.reason.startsWith("cancelled") ? "cancelled" : "failed") };
}

/**
 * Bounds the size of an event. The hive's harness truncates long texts itself. An oversized event from another program
 * is replaced by a note.
 */
function bounded(spooled: NumberedEvent): NumberedEvent {
  // The start and end events are always kept, so their texts are truncated. The message itself is stored in full.
  if (spooled.event.type === "turn_start") {
    const { from, body } = spooled.event;
    return { ...spooled, event: { ...spooled.event, from: cut(from, MAX_NOTE_CHARS), body: cut(body, MAX_BODY_BYTES) } };
  }
  if (spooled.event.type === "turn_end")
    return { ...spooled, event: { ...spooled.event, reason: cut(spooled.event.reason, MAX_REASON_CHARS) } };
  const bytes = Buffer.byteLength(JSON.stringify(spooled.event));
  if (bytes <= MAX_EVENT_BYTES) return spooled;
  return {
    ...spooled,
    event: {
      type: "note",
      level: "warn",
      text: `a ${spooled.event.type} event of ${bytes} bytes was left out: the limit is ${MAX_EVENT_BYTES} bytes`,
    },
  };
}
