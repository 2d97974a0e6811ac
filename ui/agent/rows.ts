import type { StoredTurnEvent, TurnEvent } from "../../src/wire/event.ts";

type ToolResult = Extract<TurnEvent, { type: "tool_result" }>;

/** A row of the tail: an event, and for a tool call its result beside it. */
export interface TailRow {
  seq: number;
  at: string;
  event: TurnEvent;
  result?: ToolResult;
}

/**
 * Rows in their order; results stand with their calls, wherever they came in between. Keeps what it has made: events
 * that are added at the end cost what they are, whatever the history.
 */
export class Rows {
  #events: readonly StoredTurnEvent[] = [];
  #rows: TailRow[] = [];
  #calls = new Map<string, number>();

  /** The rows of these events. The same array is given again, with what is new at its end. */
  of(events: readonly StoredTurnEvent[]): readonly TailRow[] {
    const known = this.#events;
    const isLonger =
      known.length > 0 &&
      known.length <= events.length &&
      events[0] === known[0] &&
      events[known.length - 1] === known[known.length - 1];
    if (!isLonger) {
      this.#rows = [];
      this.#calls = new Map();
    }
    for (let at = isLonger ? known.length : 0; at < events.length; at++) {
      const event = events[at];
      if (event) this.#add(event);
    }
    this.#events = events;
    return this.#rows;
  }

  #add({ seq, at, event }: StoredTurnEvent): void {
    if (event.type === "tool_result") {
      const index = this.#calls.get(event.id);
      const call = index === undefined ? undefined : this.#rows[index];
      if (call && index !== undefined) {
        this.#rows[index] = { ...call, result: event };
        this.#calls.delete(event.id);
        return;
      }
    }
    // The session is news only when something about it is wrong.
    if (event.type === "session" && Object.values(event.mcp).every((status) => status === "connected")) return;
    if (event.type === "tool_use") this.#calls.set(event.id, this.#rows.length);
    this.#rows.push({ seq, at, event });
  }
}
