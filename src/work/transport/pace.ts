import { HiveError } from "../../wire/error.ts";

/** How slow a client may be. Only the time in which the hive waits for it counts. */
export interface Pace {
  /** Time for the next bytes. Milliseconds. */
  idleMs: number;
  /** Time that a body may take on top of what its bytes take. Milliseconds. */
  graceMs: number;
  /** Bytes in a second. */
  rate: number;
}

/**
 * A slow line has 1 Mbit/s, and git is silent while it compresses a large file. A body that takes longer holds one of a few
 * slots that others wait for.
 */
export const PACE: Pace = { idleMs: 60_000, graceMs: 60_000, rate: 32 * 1024 };

/** The chunks of a body. Throws `unavailable` once it is slower than the pace; the rest is not read then. */
export async function* paced(
  body: AsyncIterable<Buffer>,
  { idleMs, graceMs, rate }: Pace,
): AsyncGenerator<Buffer, void, undefined> {
  // Iterated by hand: the end of a loop would destroy the request, and its answer with it.
  const chunks = body[Symbol.asyncIterator]();
  let [waited, bytes] = [0, 0];
  for (;;) {
    const from = performance.now();
    const next = await within(chunks.next(), Math.min(idleMs, graceMs + (bytes / rate) * 1000 - waited));
    waited += performance.now() - from;
    if (next.done) return;
    bytes += next.value.length;
    yield next.value;
  }
}

async function within<T>(step: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const end = (): void =>
      reject(new HiveError("unavailable", "the request arrived too slowly: try again over a faster connection"));
    // On a busy machine the timer runs before the bytes that have arrived meanwhile are read.
    timer = setTimeout(() => setImmediate(end), Math.max(0, ms));
  });
  // A failure that comes after the time is up has no reader.
  step.catch(() => {});
  try {
    return await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}
