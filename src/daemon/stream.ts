import type { Filter, Frame, Sink } from "../eventlog/feed.ts";
import type { HiveEvent } from "../wire/event.ts";
import type { You } from "../wire/operator-operations.ts";
import type { HandlerContext } from "./handlers/types.ts";

/** The source of the events. */
type Source = Pick<HandlerContext, "feed" | "views">;

/**
 * The maximum backlog of a reader on a socket, the same as for a browser. Beyond it the reader must take a new
 * snapshot.
 */
const MAX_WAITING = { events: 20_000, bytes: 8 * 1024 * 1024 };

/**
 * Subscribes to the feed. First come the stored events after the filter's position. Then, if wanted, come the latest
 * views of every agent and of the hive, then new events. A page also gets `you`: its role may have changed since its
 * snapshot. Returns a function that unsubscribes.
 */
export function subscribe(source: Source, filter: Filter, sink: Sink, you?: You): () => void {
  const stop = source.feed.subscribe(filter, sink);
  if (you) source.feed.sendTo(filter, sink, { kind: "you", you });
  for (const event of source.views.all()) source.feed.sendTo(filter, sink, event);
  return stop;
}

/**
 * `subscribe` as an async iteration, for sockets. Ends when `ended` aborts. A reader that is too slow loses its backlog
 * and gets a `reset` instead. After it, events continue.
 */
export async function* subscribeLines(source: Source, filter: Filter, ended: AbortSignal | undefined): AsyncGenerator<HiveEvent> {
  let waiting: Frame[] = [];
  let bytes = 0;
  let wake: () => void = () => {};
  let hasEnded = ended?.aborted ?? false;
  let isBehind = false;
  const end = (): void => {
    hasEnded = true;
    wake();
  };
  const stop = subscribe(source, filter, (frame: Frame) => {
    if (hasEnded) return false;
    if (waiting.length >= MAX_WAITING.events || bytes + frame.sse.length > MAX_WAITING.bytes) {
      isBehind = true;
      waiting = [];
      bytes = 0;
    }
    // The snapshot that the reader takes next contains these events.
    if (!isBehind) {
      waiting.push(frame);
      bytes += frame.sse.length;
    }
    wake();
    return true;
  });
  ended?.addEventListener("abort", end, { once: true });
  try {
    while (!hasEnded) {
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
