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
  /** How many of them are in the rows, and the last of those: the array grows. */
  #count = 0;
  #last: StoredTurnEvent | undefined;
  #rows: TailRow[] = [];
  #calls = new Map<string, number>();

  /** The rows of these events. The same array is given again, with what is new at its end. */
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
    // The session is news only when something about it is wrong.
    if (event.type === "session" && Object.values(event.mcp).every((status) => status === "connected")) return;
    if (event.type === "tool_use") this.#calls.set(event.id, this.#rows.length);
    this.#rows.push({ seq, at, event });
  }
}
