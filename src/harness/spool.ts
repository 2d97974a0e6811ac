import type { HiveError } from "../wire/error.ts";
import type { SpooledEvent, TurnEvent } from "../wire/event.ts";
import { MAX_EVENTS_PER_PUBLISH } from "../wire/limits.ts";
import { isForGood } from "./retry.ts";

/** Bytes of events that are held while no daemon confirms them. */
const MAX_SPOOL_BYTES = 64 * 1024 * 1024;
/** Bytes of events in one `publish`: well under the limit of a line. */
const MAX_BATCH_BYTES = 1024 * 1024;
/** Pause before a batch that the daemon refused (its disk is full) is offered again. Milliseconds. */
const REFUSED_PAUSE_MS = 1_000;

/**
 * How long the marks of a tool call wait for company. The CLI tells of a call and makes it in the same moment: its send
 * must not stand behind the commit of its own mark. Milliseconds.
 */
const GATHER_MS = 10;
/** Events at whose time something else is on its way to the daemon. Text goes at once: what follows it is shown live. */
const GATHERED: ReadonlySet<TurnEvent["type"]> = new Set(["tool_use", "tool_result"]);

/** Characters of the note that stands for a refused event: why, not what. */
const MAX_REFUSAL_CHARS = 500;

interface Held {
  spooled: SpooledEvent;
  bytes: number;
}

/**
 * Turn events on their way to the daemon. Each has the next number; it is held until the daemon says that it is on
 * stable storage, and sent again over a new connection from there on. None is lost and none doubled over a restart of
 * the daemon. Past 64 MiB the oldest go, turn marks last, and a note says how many.
 */
export class Spool {
  readonly #publish: (events: SpooledEvent[]) => Promise<number>;
  #held: Held[] = [];
  #bytes = 0;
  #next = 1;
  #dropped = 0;
  /** Events in the next batch, at most: fewer while one that the daemon refuses is looked for. */
  #most = MAX_EVENTS_PER_PUBLISH;
  #pumping: Promise<void> | undefined;
  #gathering: NodeJS.Timeout | undefined;

  constructor(publish: (events: SpooledEvent[]) => Promise<number>) {
    this.#publish = publish;
  }

  /** Takes an event and sends it as soon as the last batch is confirmed, the marks of tool calls a moment later. */
  add(event: TurnEvent): void {
    this.#hold(event);
    while (this.#bytes > MAX_SPOOL_BYTES && this.#dropOldest()) this.#dropped++;
    if (GATHERED.has(event.type)) this.#gathering ??= setTimeout(() => this.#pumpAside(), GATHER_MS);
    else this.#pumpAside();
  }

  #pumpAside(): void {
    // `#send` takes every failure of a publish itself.
    this.#pump().catch(() => {});
  }

  /** Resolves when everything that was added so far is confirmed. */
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
    const [gone] = at < 0 ? [] : this.#held.splice(at, 1);
    if (!gone) return false;
    this.#bytes -= gone.bytes;
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
        this.#hold({ type: "note", level: "warn", text: `${count} events were dropped: no daemon took them` });
      }
      const batch = this.#batch();
      let confirmed: number;
      try {
        confirmed = await this.#publish(batch);
      } catch (error) {
        // Nothing is lost by a daemon that is away or whose disk is full: the same is offered again.
        if (isForGood(error)) this.#isolate(batch, error);
        else await new Promise((resolve) => setTimeout(resolve, REFUSED_PAUSE_MS));
        continue;
      }
      this.#most = MAX_EVENTS_PER_PUBLISH;
      while (this.#held[0] && this.#held[0].spooled.n <= confirmed) this.#bytes -= this.#held.shift()?.bytes ?? 0;
    }
  }

  /** One of these the daemon will never take. Alone it gives way to a note; the others go on. */
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
