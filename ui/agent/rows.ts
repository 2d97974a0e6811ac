import type { StoredTurnEvent, TurnEvent } from "../../src/wire/event.ts";

type ToolResult = Extract<TurnEvent, { type: "tool_result" }>;

/** A row of the tail: an event, and for a tool call its result beside it. */
export interface TailRow {
  seq: number;
  at: string;
  event: TurnEvent;
  result?: ToolResult;
}

/** Rows in their order; results stand with their calls, wherever they came in between. */
export function toRows(events: readonly StoredTurnEvent[]): TailRow[] {
  const rows: TailRow[] = [];
  const calls = new Map<string, TailRow>();
  for (const { seq, at, event } of events) {
    if (event.type === "tool_result") {
      const call = calls.get(event.id);
      if (call) {
        call.result = event;
        continue;
      }
    }
    // The session is news only when something about it is wrong.
    if (event.type === "session" && Object.values(event.mcp).every((status) => status === "connected")) continue;
    const row: TailRow = { seq, at, event };
    if (event.type === "tool_use") calls.set(event.id, row);
    rows.push(row);
  }
  return rows;
}
