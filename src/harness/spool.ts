import type { HiveError } from "../wire/error.ts";
import type { SpooledEvent, TurnEvent } from "../wire/event.ts";
import { MAX_EVENTS_PER_PUBLISH } from "../wire/limits.ts";
import { isPermanent } from "./retry.ts";

/** Maximum bytes of events that are kept while the daemon does not confirm them. */
const MAX_SPOOL_BYTES = 64 * 1024 * 1024;
/** Maximum bytes of events in one `publish`: well under the limit of a line. */
const MAX_BATCH_BYTES = 1024 * 1024;
/** Pause before a batch that the daemon refused (its disk is full) is sent again. Milliseconds. */
const REFUSED_PAUSE_MS = 1_000;

/**
 * How long the marks of a tool call wait for further events. The CLI reports a call at the moment it makes it, and the
 * call's send must not wait behind the commit of its own mark. Milliseconds.
 */
const GATHER_MS = 10;
/** Events that coincide with another request to the daemon. Text is sent at once, because deltas after it are shown live. */
const GATHERED: ReadonlySet<TurnEvent["type"]> = new Set(["tool_use", "tool_result"]);

/** Maximum characters of the note that replaces a refused event: the reason, not the content. */
const MAX_REFUSAL_CHARS = 500;

interface Held {
  spooled: SpooledEvent;
  bytes: number;
}

/**
 * Turn events on their way to the daemon. Each gets the next number and is kept until the daemon confirms that it is on
 * stable storage. A new connection resends the unconfirmed ones. A restart of the daemon neither loses nor doubles an
 * event. Past 64 MiB the oldest events are dropped, turn marks last, and a note says how many.
 */
export class Spool {
  readonly #publish: (events: SpooledEvent[]) => Promise<number>;
  #held: Held[] = [];
  #bytes = 0;
  #next = 1;
  #dropped = 0;
  /** Maximum events in the next batch: smaller while it searches for an event that the daemon refuses. */
  #most = MAX_EVENTS_PER_PUBLISH;
  #pumping: Promise<void> | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(publish: (events: SpooledEvent[]) => Promise<number>) {
    this.#publish = publish;
  }

  /** Adds an event. Sends it when the last batch is confirmed. Marks of tool calls wait a moment longer. */
  add(event: TurnEvent): void {
    this.#hold(event);
    while (this.#bytes > MAX_SPOOL_BYTES && this.#dropOldest()) this.#dropped++;
    if (GATHERED.has(event.type)) this.#gathering ??= setTimeout(() => this.#pumpInBackground(), GATHER_MS);
    else this.#pumpInBackground();
  }

  #pumpInBackground(): void {
    // `#send` handles every failure of a publish itself.
    this.#pump().catch(() => {});
  }

  /** Resolves when every event added so far is confirmed. */
  async flushed(): Promise<void> {
    while (this.#held.length > 0) await this.#pump();
  }

  #hold(event: TurnEvent): void {
    const spooled: SpooledEvent = { n: this.#next++, at: new Date().toISOString(), event };
    const bytes = Buffer.byteLength(JSON.stringify(spooled));
    this.#held.push({ spooled, bytes });
    this.#bytes += bytes;
  }

  #dropOldest(): boolean {
    const at = this.#held.findIndex(({ spooled }) => spooled.event.type !== "turn_start" && spooled.event.type !== "turn_end");
    const [dropped] = at < 0 ? [] : this.#held.splice(at, 1);
    if (!dropped) return false;
    this.#bytes -= dropped.bytes;
    return true;
  }

  #pump(): Promise<void> {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    this.#pumping ??= this.#send().finally(() => (this.#pumping = undefined));
    return this.#pumping;
  }

  async #send(): Promise<void> {
    while (this.#held.length > 0) {
      if (this.#dropped > 0) {
        const count = this.#dropped;
        this.#dropped = 0;
        this.#hold({
          type: "note",
          level: "warn",
          text: `${count} events were dropped: the daemon did not confirm them in time`,
        });
      }
      const batch = this.#batch();
      let confirmed: number;
      try {
        confirmed = await this.#publish(batch);
      } catch (error) {
        // If the daemon is away or its disk is full, nothing is lost: the same batch is sent again.
        if (isPermanent(error)) this.#isolate(batch, error);
        else await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
        continue;
      }
      this.#most = MAX_EVENTS_PER_PUBLISH;
      while (this.#held[0] && this.#held[0].spooled.n <= confirmed) this.#bytes -= this.#held.shift()?.bytes ?? 0;
    }
  }

  /** The daemon will never accept an event of this batch. Splits the batch, or replaces a single event with a note. */
  #isolate(batch: readonly SpooledEvent[], error: HiveError): void {
    this.#most = Math.ceil(batch.length / 2);
    const [held] = this.#held;
    if (batch.length > 1 || !held) return;
    const text = `a ${held.spooled.event.type} event was refused: ${error.message}`.slice(0, MAX_REFUSAL_CHARS);
    const spooled: SpooledEvent = { ...held.spooled, event: { type: "note", level: "warn", text } };
    const bytes = Buffer.byteLength(JSON.stringify(spooled));
    this.#bytes += bytes - held.bytes;
    this.#held[0] = { spooled, bytes };
  }

  #batch(): SpooledEvent[] {
    const batch: SpooledEvent[] = [];
    let bytes = 0;
    for (const held of this.#held) {
      if (batch.length > 0 && (batch.length >= this.#most || bytes + held.bytes > MAX_BATCH_BYTES)) break;
      batch.push(held.spooled);
      bytes += held.bytes;
    }
    return batch;
  }
}
