import { within } from "../lib/within.ts";
import type { TokenCounts } from "../wire/agent.ts";
import type { NumberedEvent, StoredTurnEvent, TurnEvent } from "../wire/event.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import { instant } from "../wire/instant.ts";
import { MAX_NOTE_CHARS } from "../wire/limits.ts";
import type { Sqlite } from "./database.ts";
import { rowsWithin } from "./rows-within.ts";

/** The end of an agent's newest turn. */
export interface LastTurnRecord {
  turn: number;
  result: TurnResult;
  reason: string;
  durationMs: number;
  endedAt: number;
}

/** A turn and the message that started it. */
export interface TurnRecord {
  turn: number;
  message: number | null;
  sender: string | null;
  label: string | null;
  started_at: number;
  ended_at: number | null;
  result: TurnResult | null;
  reason: string | null;
  duration_ms: number | null;
  tokens: number | null;
  cost_usd: number | null;
  credential: string | null;
}

/** What the gateway has metered of a turn so far. */
export interface Metered {
  tokens: TokenCounts;
  /** US dollars. Undefined before the first answer, and after an answer from a model without a price. */
  costUsd: number | undefined;
  isUnpriced: boolean;
  /** What the turn counts in budgets. US dollars. */
  budgetUsd: number;
  /** The name of the credential of its answers. */
  credential?: string | undefined;
  /** When its last answer came. Milliseconds. Undefined before the first one, and in rows of an older daemon. */
  answeredAt?: number | undefined;
}

/** A turn that has not ended, and its harness. */
export interface OpenTurn {
  turn: number;
  startedAt: number;
  instance: string | null;
  metered?: Metered | undefined;
}

/**
 * The end of a turn that its harness did not report, with the usage that the gateway has metered. Times are
 * milliseconds.
 */
export function interruptedEnd(
  { turn, startedAt }: Pick<OpenTurn, "turn" | "startedAt">,
  at: number,
  why: string,
  { tokens, costUsd, credential }: Pick<Metered, "tokens"> & Partial<Metered> = { tokens: NO_TOKENS },
): Extract<TurnEvent, { type: "turn_end" }> {
  return {
    type: "turn_end",
    turn,
    ok: false,
    result: "interrupted",
    reason: `interrupted: ${why}; the message goes back`.slice(0, MAX_NOTE_CHARS),
    duration_ms: Math.max(0, at - startedAt),
    tokens,
    ...(costUsd === undefined ? {} : { cost_usd: costUsd }),
    ...(credential === undefined ? {} : { credential }),
  };
}

/** The fields of a turn that statistics read. */
export interface EndedTurn {
  endedAt: number;
  result: TurnResult;
  durationMs: number;
  tokens: number;
  /** US dollars; null if the turn used no model, or one without a price. */
  costUsd: number | null;
}

interface EventRow {
  seq: number;
  agent: string;
  at: number;
  json: string;
}

const NO_TOKENS: TokenCounts = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
/** Harness instances of one agent whose spool position is kept. One is connected at a time and names itself. */
const MOST_SPOOLS = 16;
/** Turn marks are kept permanently, so their type has its own column. */
const MARKS = ["turn_start", "turn_end"];

/** Parses what was metered. A daemon from before kept no figure for budgets. */
function meteredOf(json: string): Metered {
  const metered = JSON.parse(json) as Omit<Metered, "budgetUsd"> & Partial<Metered>;
  return { ...metered, budgetUsd: metered.budgetUsd ?? metered.costUsd ?? 0 };
}

/** Turn events and turns. Events are append-only; a turn also has a small row. */
export function turnQueries(db: Sqlite) {
  const append = db.prepare<[number, string, number, string, string]>(
    "INSERT INTO turn_events (seq, agent, at, type, json) VALUES (?, ?, ?, ?, ?)",
  );
  const confirmed = db.prepare<[string, string], { last_n: number }>(
    "SELECT last_n FROM spools WHERE agent = ? AND instance = ?",
  );
  const confirm = db.prepare<[string, string, number]>(
    "INSERT INTO spools (agent, instance, last_n) VALUES (?, ?, ?) ON CONFLICT (agent, instance) DO UPDATE SET last_n = excluded.last_n",
  );
  const forgetSpools = db.prepare<[string, string]>(
    `DELETE FROM spools WHERE agent = ? AND rowid NOT IN (SELECT rowid FROM spools WHERE agent = ? ORDER BY rowid DESC LIMIT ${MOST_SPOOLS})`,
  );
  const start = db.prepare<[string, number, number, number, string]>(
    "INSERT INTO turns (agent, turn, message, started_at, instance) VALUES (?, ?, ?, ?, ?) ON CONFLICT (agent, turn) DO NOTHING",
  );
  const open = db.prepare<[string], Omit<OpenTurn, "metered"> & { metered: string | null }>(
    "SELECT turn, started_at AS startedAt, instance, metered FROM turns WHERE agent = ? AND ended_at IS NULL ORDER BY turn",
  );
  const meter = db.prepare<[string, string, number]>(
    "UPDATE turns SET metered = ? WHERE agent = ? AND turn = ? AND ended_at IS NULL",
  );
  const end = db.prepare<
    [number, TurnResult, string, number, number, number, number, number | null, number | null, string | null, string, number]
  >(
    "UPDATE turns SET ended_at = ?, result = ?, reason = ?, duration_ms = ?, tokens = ?, output = ?, input = ?, cost_usd = ?, budget_usd = coalesce(metered ->> '$.budgetUsd', ?), credential = ?, metered = NULL WHERE agent = ? AND turn = ? AND ended_at IS NULL",
  );
  const ended = db.prepare<[string, number], { turn: number }>(
    "SELECT turn FROM turns WHERE agent = ? AND turn = ? AND ended_at IS NOT NULL",
  );
  const maxTurn = db.prepare<[string], { n: number }>("SELECT coalesce(max(turn), 0) AS n FROM turns WHERE agent = ?");
  const last = db.prepare<[string], { turn: number; result: TurnResult; reason: string; duration_ms: number; ended_at: number }>(
    "SELECT turn, result, reason, duration_ms, ended_at FROM turns WHERE agent = ? AND ended_at IS NOT NULL ORDER BY turn DESC LIMIT 1",
  );
  const page = db.prepare<[string, number, number], EventRow>(
    "SELECT seq, agent, at, json FROM turn_events WHERE agent = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
  );
  const after = db.prepare<[number, number], EventRow>(
    "SELECT seq, agent, at, json FROM turn_events WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  const afterOf = db.prepare<[string, number, number], EventRow>(
    "SELECT seq, agent, at, json FROM turn_events WHERE agent = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  const list = db.prepare<[string, number, number], TurnRecord>(
    `SELECT turn, message, sender, label, started_at, ended_at, result, turns.reason AS reason, duration_ms, tokens, cost_usd, credential
     FROM turns LEFT JOIN messages ON messages.id = turns.message WHERE agent = ? AND turn < ? ORDER BY turn DESC LIMIT ?`,
  );
  const endedSince = db.prepare<[string, number], EndedTurn>(
    `SELECT ended_at AS endedAt, result, coalesce(duration_ms, 0) AS durationMs, coalesce(tokens, 0) AS tokens,
       cost_usd AS costUsd FROM turns WHERE agent = ? AND ended_at >= ?`,
  );
  const prune = db.prepare<[number]>(
    `DELETE FROM turn_events WHERE at < ? AND type NOT IN (${MARKS.map((mark) => `'${mark}'`).join(", ")})`,
  );

  const stored = (row: EventRow, name: string): StoredTurnEvent => ({
    seq: row.seq,
    agent: name,
    at: instant(row.at),
    event: JSON.parse(row.json) as TurnEvent,
  });

  const openOf = (agent: string): OpenTurn[] =>
    open.all(agent).map(({ metered, ...row }) => ({ ...row, metered: metered === null ? undefined : meteredOf(metered) }));

  /** Appends an event. The end of a turn also ends its row. */
  function add(agent: string, name: string, seq: number, at: number, event: TurnEvent): StoredTurnEvent {
    append.run(seq, agent, at, event.type, JSON.stringify(event));
    if (event.type === "turn_end") {
      const { input, output, cache_read, cache_write } = event.tokens;
      const tokens = input + output + cache_read + cache_write;
      const { result, reason, duration_ms, cost_usd, credential } = event;
      const uncached = input + cache_write;
      const [cost, used] = [cost_usd ?? null, credential ?? null];
      // What it counts in budgets is in its row since its last answer.
      end.run(at, result, reason, Math.round(duration_ms), tokens, output, uncached, cost, cost, used, agent, event.turn);
    }
    return { seq, agent: name, at: instant(at), event };
  }

  return {
    /** Appends the events above the stored `n` of this instance. Only inside a write. */
    append(
      agent: string,
      name: string,
      instance: string,
      events: NumberedEvent[],
      nextSeq: () => number,
    ): { confirmedN: number; stored: StoredTurnEvent[] } {
      const known = confirmed.get(agent, instance)?.last_n;
      let confirmedN = known ?? 0;
      let isFresh = false;
      const fresh: StoredTurnEvent[] = [];
      for (const { n, at, event } of events) {
        if (n <= confirmedN) continue;
        confirmedN = n;
        isFresh = true;
        const time = Date.parse(at);
        // One turn at a time. This bounds the open turns, whatever a program publishes.
        if (event.type === "turn_start")
          for (const earlier of openOf(agent).filter(({ turn }) => turn !== event.turn))
            fresh.push(add(agent, name, nextSeq(), time, interruptedEnd(earlier, time, "another turn began", earlier.metered)));
        // A turn ends once. The daemon may have ended it while its harness was disconnected.
        if (event.type === "turn_end" && ended.get(agent, event.turn)) continue;
        if (event.type === "turn_start") start.run(agent, event.turn, event.message_id, time, instance);
        fresh.push(add(agent, name, nextSeq(), time, event));
      }
      if (isFresh) confirm.run(agent, instance, confirmedN);
      if (isFresh && known === undefined) forgetSpools.run(agent, agent);
      return { confirmedN, stored: fresh };
    },
    /** Appends an event of the daemon's own. Only inside a write. */
    note: add,
    /** The agent's turns that have not ended: at most one. */
    open: openOf,
    /** Keeps what was metered of an open turn. Only inside a write. */
    meter: (agent: string, turn: number, metered: Metered): void => void meter.run(JSON.stringify(metered), agent, turn),
    confirmedN: (agent: string, instance: string): number => confirmed.get(agent, instance)?.last_n ?? 0,
    nextTurn: (agent: string): number => (maxTurn.get(agent)?.n ?? 0) + 1,
    lastTurn(agent: string): LastTurnRecord | undefined {
      const row = last.get(agent);
      return (
        row && { turn: row.turn, result: row.result, reason: row.reason, durationMs: row.duration_ms, endedAt: row.ended_at }
      );
    },
    /** The newest before a position, oldest first, as many as have `bytes` together. Reads one extra row at most. */
    page(
      agent: string,
      name: string,
      before: number,
      { limit, bytes }: { limit: number; bytes: number },
    ): { events: StoredTurnEvent[]; more: boolean } {
      const { rows, more } = within(page.iterate(agent, before, limit + 1), { limit, bytes });
      return { events: rows.reverse().map((row) => stored(row, name)), more };
    },
    /** Events after a position, of one agent or of all; undefined if their text is over `chars`. */
    after(
      seq: number,
      limit: number,
      chars: number,
      nameOf: (id: string) => string,
      agent?: string,
    ): StoredTurnEvent[] | undefined {
      const rows = agent === undefined ? after.iterate(seq, limit) : afterOf.iterate(agent, seq, limit);
      return rowsWithin(rows, chars, ({ json }) => json.length)?.map((row) => stored(row, nameOf(row.agent)));
    },
    /** Newest first. */
    list: (agent: string, before: number, limit: number): TurnRecord[] => list.all(agent, before, limit),
    endedSince: (agent: string, since: number): EndedTurn[] => endedSince.all(agent, since),
    prune: (olderThan: number): number => prune.run(olderThan).changes,
  };
}
