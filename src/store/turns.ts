import type { NumberedEvent, StoredTurnEvent, TurnEvent } from "../wire/event.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import { instant } from "../wire/instant.ts";
import type { Sqlite } from "./database.ts";
import type { MessageInserts } from "./message-inserts.ts";

/** The end of an agent's newest turn. */
export interface LastTurnRecord {
  turn: number;
  result: TurnResult;
  reason: string;
  durationMs: number;
  endedAt: number;
}

/** A turn and the message that began it. */
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
}

/** What a figure is made from. */
export interface EndedTurn {
  endedAt: number;
  result: TurnResult;
  durationMs: number;
  tokens: number;
  costUsd: number;
}

interface EventRow {
  seq: number;
  agent: string;
  at: number;
  json: string;
}

/** Harness instances of one agent whose place in their spool is known: one speaks at a time, and names itself. */
const MOST_SPOOLS = 16;
/** Turn marks are kept for ever, so their type is a column of its own. */
const MARKS = ["turn_start", "turn_end"];

/** Turn events and turns. Events are append-only; a turn is a small row beside them. */
export function turnQueries(db: Sqlite, inserts: MessageInserts) {
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
  const start = db.prepare<[string, number, number, number]>(
    "INSERT INTO turns (agent, turn, message, started_at) VALUES (?, ?, ?, ?) ON CONFLICT (agent, turn) DO NOTHING",
  );
  const end = db.prepare<[number, TurnResult, string, number, number, number | null, string, number]>(
    "UPDATE turns SET ended_at = ?, result = ?, reason = ?, duration_ms = ?, tokens = ?, cost_usd = ? WHERE agent = ? AND turn = ?",
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
    `SELECT turn, message, sender, label, started_at, ended_at, result, turns.reason AS reason, duration_ms, tokens, cost_usd
     FROM turns LEFT JOIN messages ON messages.id = turns.message WHERE agent = ? AND turn < ? ORDER BY turn DESC LIMIT ?`,
  );
  const endedSince = db.prepare<[string, number], EndedTurn>(
    `SELECT ended_at AS endedAt, result, coalesce(duration_ms, 0) AS durationMs, coalesce(tokens, 0) AS tokens,
       coalesce(cost_usd, 0) AS costUsd FROM turns WHERE agent = ? AND ended_at >= ?`,
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

  return {
    /** Appends what lies above the stored `n` of this instance; call inside a write. */
    append(
      agent: string,
      name: string,
      instance: string,
      events: NumberedEvent[],
      nextSeq: () => number,
    ): { confirmedN: number; stored: StoredTurnEvent[] } {
      const known = confirmed.get(agent, instance)?.last_n;
      let confirmedN = known ?? 0;
      const fresh: StoredTurnEvent[] = [];
      for (const { n, at, event } of events) {
        if (n <= confirmedN) continue;
        const seq = nextSeq();
        const time = Date.parse(at);
        append.run(seq, agent, time, event.type, JSON.stringify(event));
        if (event.type === "turn_start") start.run(agent, event.turn, event.message_id, time);
        if (event.type === "turn_end") {
          const tokens = event.tokens.input + event.tokens.output + event.tokens.cache_read + event.tokens.cache_write;
          end.run(
            time,
            event.result,
            event.reason,
            Math.round(event.duration_ms),
            tokens,
            event.cost_usd ?? null,
            agent,
            event.turn,
          );
        }
        fresh.push({ seq, agent: name, at, event });
        confirmedN = n;
      }
      if (fresh.length > 0) confirm.run(agent, instance, confirmedN);
      if (fresh.length > 0 && known === undefined) forgetSpools.run(agent, agent);
      return { confirmedN, stored: fresh };
    },
    /** Appends an event of the daemon's own; call inside a write. */
    note(agent: string, name: string, seq: number, at: number, event: TurnEvent): StoredTurnEvent {
      append.run(seq, agent, at, event.type, JSON.stringify(event));
      return { seq, agent: name, at: instant(at), event };
    },
    confirmedN: (agent: string, instance: string): number => confirmed.get(agent, instance)?.last_n ?? 0,
    nextTurn: (agent: string): number => (maxTurn.get(agent)?.n ?? 0) + 1,
    lastTurn(agent: string): LastTurnRecord | undefined {
      const row = last.get(agent);
      return (
        row && { turn: row.turn, result: row.result, reason: row.reason, durationMs: row.duration_ms, endedAt: row.ended_at }
      );
    },
    /** Oldest first; one more row than asked for tells whether there is more. */
    page(agent: string, name: string, before: number, limit: number): { events: StoredTurnEvent[]; more: boolean } {
      const rows = page.all(agent, before, limit + 1);
      return {
        events: rows
          .slice(0, limit)
          .reverse()
          .map((row) => stored(row, name)),
        more: rows.length > limit,
      };
    },
    after: (seq: number, limit: number, nameOf: (id: string) => string, agent?: string): StoredTurnEvent[] =>
      (agent === undefined ? after.all(seq, limit) : afterOf.all(agent, seq, limit)).map((row) => stored(row, nameOf(row.agent))),
    /** Newest first. */
    list(agent: string, before: number, limit: number): TurnRecord[] {
      inserts.flush();
      return list.all(agent, before, limit);
    },
    endedSince: (agent: string, since: number): EndedTurn[] => endedSince.all(agent, since),
    prune: (olderThan: number): number => prune.run(olderThan).changes,
  };
}
