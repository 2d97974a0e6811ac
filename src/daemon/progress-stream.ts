import type { CallerContext } from "./handlers/types.ts";

/** How often the caller gets the progress. Milliseconds. */
const PROGRESS_EVERY_MS = 200;

/**
 * Runs work that takes long and yields its progress, at most five times a second, then its result. The work is aborted
 * when the caller has gone.
 */
export async function* withProgress<P, R>(
  caller: CallerContext,
  work: (signal: AbortSignal, report: (progress: P) => void) => Promise<R>,
): AsyncGenerator<{ progress: P } | { result: R }> {
  const givenUp = new AbortController();
  const giveUp = (): void => givenUp.abort();
  if (caller.kind === "operator") caller.ended.addEventListener("abort", giveUp, { once: true });
  const reports: P[] = [];
  let wake = (): void => {};
  let reportedAt = -PROGRESS_EVERY_MS;
  const report = (progress: P): void => {
    if (performance.now() - reportedAt < PROGRESS_EVERY_MS) return;
    reportedAt = performance.now();
    reports.push(progress);
    wake();
  };
  let hasEnded = false;
  const done = work(givenUp.signal, report).finally(() => {
    hasEnded = true;
    wake();
  });
  // The `await` below throws its failure. If the caller has gone, no code needs it.
  done.catch(() => {});
  try {
    while (!hasEnded || reports.length > 0) {
      const next = reports.shift();
      if (next !== undefined) yield { progress: next };
      else await new Promise<void>((resolve) => (wake = resolve));
    }
    yield { result: await done };
  } finally {
    // The caller may have disconnected before the end.
    giveUp();
    if (caller.kind === "operator") caller.ended.removeEventListener("abort", giveUp);
  }
}
