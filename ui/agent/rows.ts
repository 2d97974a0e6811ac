import type { StoredTurnEvent, TurnEvent } from "../../src/wire/event.ts";

type ToolResult = Extract<TurnEvent, { type: "tool_result" }>;

/** A row of the tail: an event, and for a tool call its result. */
export interface TailRow {
  seq: number;
  at: string;
  event: TurnEvent;
  result?: ToolResult;
}

/**
 * Builds the rows in order and places each result next to its call, whatever came in between. Rows are kept, so
 * appended events cost the same for any length of history.
 */
export class Rows {
  #events: readonly StoredTurnEvent[] = [];
  /** How many events are in the rows, and the last of them: the array grows in place. */
  #count = 0;
  #last: StoredTurnEvent | undefined;
  #rows: TailRow[] = [];
  #calls = new Map<string, number>();

  /** Returns the rows of these events. Appends to the same array and returns it. */
  of(events: readonly StoredTurnEvent[]): readonly TailRow[] {
    const isLonger =
      this.#count > 0 && this.#count <= events.length && events[0] === this.#events[0] && events[this.#count - 1] === this.#last;
    if (!isLonger) {
      this.#rows = [];
      this.#calls = new Map();
      this.#count = 0;
    }
    for (; this.#count < events.length; this.#count++) {
      const event = events[this.#count];
      if (event) this.#add(event);
    }
    this.#last = events[this.#count - 1];
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
    // Show the session only if a server failed to connect.
    if (event.type === "session" && Object.values(event.mcp).every((status) => status === "connected")) return;
    if (event.type === "tool_use") this.#calls.set(event.id, this.#rows.length);
    this.#rows.push({ seq, at, event });
  }
}
