import { interruptedEnd, type LastTurnRecord, type OpenTurn } from "../store/turns.ts";
import type { TokenCounts } from "../wire/agent.ts";
import type { NumberedEvent, SpooledEvent, StoredTurnEvent, TurnEvent } from "../wire/event.ts";
import { MAX_BODY_BYTES, MAX_EVENT_BYTES, MAX_NOTE_CHARS, MAX_STATUS_CHARS } from "../wire/limits.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import type { Agent } from "./agents/agent.ts";

/** What the turns need to remember. */
export interface TurnStore {
  /** Appends events of one harness instance; those at or below its stored `n` are passed over. */
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
  /** The agent's turns that have not ended. */
  open(agentId: string): OpenTurn[];
  /** Appends ends of turns that the daemon decides on. */
  end(agent: { id: string; name: string }, at: number, ends: TurnEvent[]): Promise<void>;
  confirmedN(agentId: string, instance: string): number;
  nextTurn(agentId: string): number;
  lastTurn(agentId: string): LastTurnRecord | undefined;
}

export interface TurnDeps {
  store: TurnStore;
  changed(agent: Agent): void;
  now(): number;
}

/**
 * Records turns as their harness tells them, and corrects what only the gateway can know: tokens and cost. Ends the
 * turns whose harness is gone: each turn that began ends once.
 */
export class Turns {
  readonly #store: TurnStore;
  readonly #changed: (agent: Agent) => void;
  readonly #now: () => number;
  /** Events that are being stored. */
  readonly #recording = new WeakMap<Agent, Set<Promise<unknown>>>();

  constructor({ store, changed, now }: TurnDeps) {
    this.#store = store;
    this.#changed = changed;
    this.#now = now;
  }

  async record(agent: Agent, instance: string, events: Parsed<"publish">["events"]): Promise<number> {
    const corrected = events.map((spooled) => this.#follow(agent, spooled));
    const storing = this.#store.append(agent, instance, corrected);
    const recording = this.#recording.get(agent) ?? new Set();
    this.#recording.set(agent, recording.add(storing));
    try {
      const { confirmedN } = await storing;
      this.#changed(agent);
      return confirmedN;
    } finally {
      recording.delete(storing);
    }
  }

  /**
   * Ends the agent's open turns as interrupted: their harness is gone. Those of the harness `except` go on. Waits for
   * events that the harness published before it went. Gives the number of turns that it has ended.
   */
  async interrupt(agent: Agent, why: string, except?: string): Promise<number> {
    const metered = agent.turn;
    if (except === undefined) agent.turn = undefined;
    await Promise.allSettled(this.#recording.get(agent) ?? new Set<Promise<unknown>>());
    const at = this.#now();
    const ends = this.#store
      .open(agent.id)
      .filter(({ instance }) => except === undefined || instance !== except)
      .map((turn) => interruptedEnd(turn, at, why, metered?.turn === turn.turn ? metered : undefined));
    if (ends.length > 0) await this.#store.end(agent, at, ends);
    return ends.length;
  }

  /** Keeps the running turn in mind and puts the metered figures into its end. */
  #follow(agent: Agent, told: SpooledEvent): NumberedEvent {
    const spooled = bounded({ ...told, event: withResult(told.event) });
    const { event } = spooled;
    if (event.type === "turn_start") {
      agent.turn = {
        turn: event.turn,
        startedAt: Date.parse(spooled.at),
        tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
        costUsd: undefined,
      };
      return spooled;
    }
    if (event.type === "session") agent.unconnected = stillUnconnected(agent, event.mcp);
    if (event.type !== "turn_end") return spooled;
    const metered = agent.turn?.turn === event.turn ? agent.turn : undefined;
    agent.turn = undefined;
    agent.contextTokens = event.context_tokens ?? agent.contextTokens;
    agent.contextWindow = event.context_window ?? agent.contextWindow;
    if (!metered) return spooled;
    const { cost_usd: _claimed, ...rest } = event;
    const cost = metered.costUsd === undefined ? {} : { cost_usd: metered.costUsd };
    return { ...spooled, event: { ...rest, tokens: metered.tokens, ...cost } };
  }

  /** Adds what the gateway has metered to the turn that runs. Without a price the cost stays unknown. */
  meter({ turn }: Agent, used: { tokens: TokenCounts; costUsd: number | undefined }): void {
    if (!turn) return;
    for (const kind of ["input", "output", "cache_read", "cache_write"] as const) turn.tokens[kind] += used.tokens[kind];
    if (used.costUsd !== undefined) turn.costUsd = (turn.costUsd ?? 0) + used.costUsd;
  }

  position(agent: Agent, instance: string): { confirmedN: number; nextTurn: number } {
    return { confirmedN: this.#store.confirmedN(agent.id, instance), nextTurn: this.#store.nextTurn(agent.id) };
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

/** The event with its result, which a harness that is older than results does not give. */
function withResult(event: SpooledEvent["event"]): TurnEvent {
  if (event.type !== "turn_end") return event;
  return { ...event, result: event.result ?? (event.ok ? "ok" : event.reason.startsWith("cancelled") ? "cancelled" : "failed") };
}

/** Our harness cuts long texts itself. What another program publishes past the limit leaves only its trace. */
function bounded(spooled: NumberedEvent): NumberedEvent {
  // A mark stays, so it is cut: the message itself is stored where it was sent.
  if (spooled.event.type === "turn_start") {
    const { from, body } = spooled.event;
    return { ...spooled, event: { ...spooled.event, from: from.slice(0, MAX_NOTE_CHARS), body: body.slice(0, MAX_BODY_BYTES) } };
  }
  if (spooled.event.type === "turn_end")
    return { ...spooled, event: { ...spooled.event, reason: spooled.event.reason.slice(0, MAX_NOTE_CHARS) } };
  const bytes = Buffer.byteLength(JSON.stringify(spooled.event));
  if (bytes <= MAX_EVENT_BYTES) return spooled;
  return {
    ...spooled,
    event: {
      type: "note",
      level: "warn",
      text: `a ${spooled.event.type} event of ${bytes} bytes was left out: one may have ${MAX_EVENT_BYTES}`,
    },
  };
}

/** Servers of the agent's config that a new process of the CLI has not connected to. The reason is known where it was told. */
function stillUnconnected(agent: Agent, mcp: Record<string, string>): Record<string, string> {
  const failed = Object.keys(agent.config.extraMcpServers).filter((name) => mcp[name] !== "connected");
  return Object.fromEntries(
    failed.map((name) => [name, agent.unconnected[name] ?? mcp[name]?.slice(0, MAX_STATUS_CHARS) ?? "unknown"]),
  );
}
