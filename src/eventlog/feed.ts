import type { HiveEvent } from "../wire/event.ts";

/** What may be replayed to one reader. For more, a new snapshot is cheaper for both sides. */
const MAX_REPLAY = {
  events: 5_000,
  /** Bytes of JSON. They are written at once, so they fit into what may wait for one reader, with every agent's view. */
  bytes: 2 * 1024 * 1024,
};

/** Which events a reader wants. */
export interface Filter {
  /** Stored events after this position are replayed; absent: live only. */
  after?: number | undefined;
  agent?: string | undefined;
  kinds?: readonly string[] | undefined;
}

/** An event with its serialisation, which all readers share. */
export interface Frame {
  event: HiveEvent;
  /** A complete server-sent event. */
  sse: Buffer;
}

/** Receives frames. Returns false when the reader has gone. */
export type Sink = (frame: Frame) => boolean;

/**
 * Reads the stored events after a position, in order. Undefined if they are more than `most`: it stops reading there, so
 * a gap of any length costs no more memory than that.
 */
export type Replay = (after: number, most: { events: number; bytes: number }, filter: Filter) => HiveEvent[] | undefined;

/**
 * Delivers events to readers: first those stored after their position, then live ones, without gaps or duplicates (both
 * happen in one thread, within one turn of the loop). Publish only after the commit.
 */
export class Feed {
  readonly #readers = new Map<Sink, Filter>();
  readonly #replay: Replay;
  #tellWatched: (watched: boolean) => void = () => {};
  #wasWatched = false;
  /** The newest number of the sequence. Everything up to it has been published. */
  readonly position: () => number;

  constructor(replay: Replay, position: () => number) {
    this.#replay = replay;
    this.position = position;
  }

  /** Serialises an event once and passes the same bytes to every reader that wants it. */
  publish(event: HiveEvent): void {
    if (this.#readers.size === 0) return;
    let frame: Frame | undefined;
    for (const [sink, filter] of this.#readers) {
      if (!wants(filter, event)) continue;
      frame ??= frameOf(event);
      if (!sink(frame)) this.#remove(sink);
    }
  }

  /** True while a reader shows the agents: an open page, or a terminal that follows them. */
  get isWatched(): boolean {
    return this.#wasWatched;
  }

  /** Sets what is called when `isWatched` has changed. */
  onWatched(tell: (watched: boolean) => void): void {
    this.#tellWatched = tell;
  }

  /** Replays, then delivers live events. Returns a function that unsubscribes. */
  subscribe(filter: Filter, sink: Sink): () => void {
    if (filter.after !== undefined && !this.#catchUp(filter.after, filter, sink)) return () => {};
    this.#readers.set(sink, filter);
    this.#readersChanged();
    return () => this.#remove(sink);
  }

  #remove(sink: Sink): void {
    this.#readers.delete(sink);
    this.#readersChanged();
  }

  #readersChanged(): void {
    const isWatched = [...this.#readers.values()].some(({ kinds }) => kinds?.includes("agent") ?? true);
    if (isWatched === this.#wasWatched) return;
    this.#wasWatched = isWatched;
    this.#tellWatched(isWatched);
  }

  /** Sends one event to one reader if its filter allows it. Used for the state on connect. */
  sendTo(filter: Filter, sink: Sink, event: HiveEvent): void {
    if (wants(filter, event)) sink(frameOf(event));
  }

  #catchUp(after: number, filter: Filter, sink: Sink): boolean {
    // A position from the future belongs to another hive, or to one that was restored from a backup.
    const position = this.position();
    const frames = after > position ? undefined : framesWithin(this.#replay(after, MAX_REPLAY, filter), MAX_REPLAY.bytes);
    return (frames ?? [frameOf({ kind: "reset", seq: position })]).every(sink);
  }

  /** Removes every reader. */
  stop(): void {
    this.#readers.clear();
  }

  get readers(): number {
    return this.#readers.size;
  }
}

function wants(filter: Filter, event: HiveEvent): boolean {
  if (filter.kinds && event.kind !== "reset" && !filter.kinds.includes(event.kind)) return false;
  if (filter.agent === undefined) return true;
  switch (event.kind) {
    case "message":
      return (
        event.message.from === filter.agent ||
        event.message.to === filter.agent ||
        event.message.from.startsWith(`${filter.agent}/`)
      );
    case "turn":
      return event.turn.agent === filter.agent;
    case "question":
      return event.question.agent === filter.agent;
    case "approval":
      return event.approval.agent === filter.agent;
    case "change":
      return event.change.agent === filter.agent;
    case "agent":
      return event.agent.name === filter.agent;
    case "delta":
      return event.agent === filter.agent;
    default:
      return true;
  }
}

/** Whether a stored event passes a filter, by the same rule as live events. */
export const passes = wants;

/** The events as frames; undefined if those have more bytes than may be replayed. */
function framesWithin(events: readonly HiveEvent[] | undefined, bytes: number): Frame[] | undefined {
  const frames: Frame[] = [];
  let left = bytes;
  for (const event of events ?? []) {
    const frame = frameOf(event);
    left -= frame.sse.length;
    if (left < 0) return undefined;
    frames.push(frame);
  }
  return events && frames;
}

function frameOf(event: HiveEvent): Frame {
  const id = "seq" in event ? `id: ${event.seq}\n` : "";
  return { event, sse: Buffer.from(`${id}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`) };
}
