import type { Filter, Frame, Sink } from "../eventlog/feed.ts";
import { HiveError } from "../wire/error.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { HandlerContext } from "./handlers/types.ts";

/** What events are read from. */
type Source = Pick<HandlerContext, "feed" | "views">;

/** Events that may wait for one reader of a socket. Past that it is cut off and comes back with its last seq. */
const MAX_WAITING_EVENTS = 20_000;

/**
 * Subscribes to the feed. Stored events come first, from the filter's position; then the latest view of every agent
 * and of the hive, when those are wanted; then what happens. Returns how to stop.
 */
export function subscribe(source: Source, filter: Filter, sink: Sink): () => void {
  const stop = source.feed.subscribe(filter, sink);
  for (const event of source.views.all()) source.feed.sendTo(filter, sink, event);
  return stop;
}

/** The same as an iteration, for sockets. Ends when `ended` does, or when the reader is too slow. */
export async function* subscribeLines(source: Source, filter: Filter, ended: AbortSignal | undefined): AsyncGenerator<HiveEvent> {
  const waiting: HiveEvent[] = [];
  let wake: () => void = () => {};
  let isOver = ended?.aborted ?? false;
  let isTooSlow = false;
  const end = (): void => {
    isOver = true;
    wake();
  };
  const stop = subscribe(source, filter, ({ event }: Frame) => {
    if (isOver) return false;
    if (waiting.length >= MAX_WAITING_EVENTS) {
      isTooSlow = true;
      end();
      return false;
    }
    waiting.push(event);
    wake();
    return true;
  });
  ended?.addEventListener("abort", end, { once: true });
  try {
    while (!isOver) {
      const event = waiting.shift();
      if (event) yield event;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    // A stream that ended in silence would be waited on for ever.
    if (isTooSlow)
      throw new HiveError(
        "unavailable",
        `this reader is more than ${MAX_WAITING_EVENTS} events behind: follow again from the last seq`,
      );
  } finally {
    stop();
    ended?.removeEventListener("abort", end);
  }
}
