import type { Filter, Frame, Sink } from "../eventlog/feed.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { HandlerContext } from "./handlers/types.ts";

/** What events are read from. */
type Source = Pick<HandlerContext, "feed" | "views">;

/** What may wait for one reader of a socket: as much as for a browser. Past that it is told to take a new snapshot. */
const MAX_WAITING = { events: 20_000, bytes: 8 * 1024 * 1024 };

/**
 * Subscribes to the feed. Stored events come first, from the filter's position; then the latest view of every agent
 * and of the hive, when those are wanted; then what happens. Returns how to stop.
 */
export function subscribe(source: Source, filter: Filter, sink: Sink): () => void {
  const stop = source.feed.subscribe(filter, sink);
  for (const event of source.views.all()) source.feed.sendTo(filter, sink, event);
  return stop;
}

/**
 * The same as an iteration, for sockets. Ends when `ended` does. A reader that is too slow misses what waited for it and
 * gets a `reset` instead, after which the events continue.
 */
export async function* subscribeLines(source: Source, filter: Filter, ended: AbortSignal | undefined): AsyncGenerator<HiveEvent> {
  let waiting: Frame[] = [];
  let bytes = 0;
  let wake: () => void = () => {};
  let isOver = ended?.aborted ?? false;
  let isBehind = false;
  const end = (): void => {
    isOver = true;
    wake();
  };
  const stop = subscribe(source, filter, (frame: Frame) => {
    if (isOver) return false;
    if (waiting.length >= MAX_WAITING.events || bytes + frame.sse.length > MAX_WAITING.bytes) {
      isBehind = true;
      waiting = [];
      bytes = 0;
    }
    // What the reader is behind is in the snapshot that it takes.
    if (!isBehind) {
      waiting.push(frame);
      bytes += frame.sse.length;
    }
    wake();
    return true;
  });
  ended?.addEventListener("abort", end, { once: true });
  try {
    while (!isOver) {
      if (isBehind) {
        const seq = source.feed.position();
        isBehind = false;
        yield { kind: "reset", seq };
        continue;
      }
      const frame = waiting.shift();
      if (frame) {
        bytes -= frame.sse.length;
        yield frame.event;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    stop();
    ended?.removeEventListener("abort", end);
  }
}
