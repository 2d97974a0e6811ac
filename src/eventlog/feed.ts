import type { HiveEvent } from "../wire/event.ts";

/** Events that may be replayed to one reader who comes back. Past that a new snapshot is cheaper for both. */
const MAX_REPLAY = 5_000;

/** What a reader wants to hear. */
export interface Filter {
  /** Position after which stored events are replayed; absent: live only. */
  after?: number | undefined;
  agent?: string | undefined;
  kinds?: readonly string[] | undefined;
}

/** An event with its one serialisation, shared by all readers. */
export interface Frame {
  event: HiveEvent;
  /** A whole server-sent event. */
  sse: Buffer;
}

/** Takes frames as they come; false when the reader is gone. */
export type Sink = (frame: Frame) => boolean;

/** Reads stored events after a position, in order, at most `limit`. */
export type Replay = (after: number, limit: number, filter: Filter) => HiveEvent[];

/**
 * Tells readers what happened: first what was stored after their position, then what comes, without a gap or a double
 * in between (both happen in one thread, between two turns of the loop). Publish only after the commit.
 */
export class Feed {
  readonly #readers = new Map<Sink, Filter>();
  readonly #replay: Replay;
  readonly #position: () => number;

  /** `position`: the newest number, and in the moment of asking nothing is stored that has not been published yet. */
  constructor(replay: Replay, position: () => number) {
    this.#replay = replay;
    this.#position = position;
  }

  /** Serialises once and hands the same bytes to every reader that wants it. */
  publish(event: HiveEvent): void {
    if (this.#readers.size === 0) return;
    let frame: Frame | undefined;
    for (const [sink, filter] of this.#readers) {
      if (!wants(filter, event)) continue;
      frame ??= frameOf(event);
      if (!sink(frame)) this.#readers.delete(sink);
    }
  }

  /** Replays, then goes live. Returns how to stop. */
  subscribe(filter: Filter, sink: Sink): () => void {
    if (filter.after !== undefined && !this.#catchUp(filter.after, filter, sink)) return () => {};
    this.#readers.set(sink, filter);
    return () => void this.#readers.delete(sink);
  }

  /** Hands one event to one reader, if it wants it: the state of things on connecting. */
  sendTo(filter: Filter, sink: Sink, event: HiveEvent): void {
    if (wants(filter, event)) sink(frameOf(event));
  }

  #catchUp(after: number, filter: Filter, sink: Sink): boolean {
    // Asked first, so that nothing which is read here comes live as well. A position from the future belongs to another
    // hive, or to one that was restored from a backup.
    const stored = after > this.#position() ? undefined : this.#replay(after, MAX_REPLAY + 1, filter);
    if (!stored || stored.length > MAX_REPLAY) return sink(frameOf({ kind: "reset", seq: this.#position() }));
    return stored.every((event) => sink(frameOf(event)));
  }

  /** Lets every reader go. */
  close(): void {
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
    case "agent":
      return event.agent.name === filter.agent;
    case "delta":
      return event.agent === filter.agent;
    default:
      return true;
  }
}

/** Whether a stored event passes a filter: the same rule as live. */
export const passes = wants;

function frameOf(event: HiveEvent): Frame {
  const id = "seq" in event ? `id: ${event.seq}\n` : "";
  return { event, sse: Buffer.from(`${id}event: ${event.kind}\ndata: ${JSON.stringify(event)}\n\n`) };
}
