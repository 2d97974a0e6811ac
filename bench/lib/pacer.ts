import { nanoseconds, type Child } from "./child.ts";
import type { Report } from "./receivers.ts";
import { ask, type Lines } from "./wire.ts";

/** Messages of one slice. */
const SENDS = 60;
const BODY = "x".repeat(200);

/**
 * Sends one message after the other, each once its receiver waits and after a rest. Measures from before the write to
 * the wake, in nanoseconds.
 */
export function pacer(
  child: Child,
  lines: Lines,
  to: readonly string[],
  { sends: usual = SENDS, restMs = 1 } = {},
): (sends?: number) => Promise<number[]> {
  let got: (at: number) => void = () => {};
  let waits: () => void = () => {};
  child.onMessage((report: Report) => ("waits" in report ? waits() : got(report.got)));
  let nth = 0;
  return async (sends = usual) => {
    const times: number[] = [];
    for (let sent = 0; sent < sends; sent++) {
      const arrived = new Promise<number>((resolve) => (got = resolve));
      const again = new Promise<void>((resolve) => (waits = resolve));
      const start = nanoseconds();
      await ask(lines, { cmd: "send", id: 1, to: to[nth++ % to.length], body: BODY });
      times.push((await Promise.race([arrived, child.broke])) - start);
      await Promise.race([again, child.broke]);
      // Lets the acknowledgement and the new wait finish, so that the daemon is at rest for the next send (the floor
      // discards messages without a receiver).
      await new Promise((resolve) => setTimeout(resolve, restMs));
    }
    return times;
  };
}
