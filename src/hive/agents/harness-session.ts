import type { HarnessPush } from "../../wire/harness.ts";

/** The connection of an agent's one harness, as decisions see it. */
export interface HarnessSession {
  readonly instance: string;
  readonly revision: string;
  readonly protocol: number;
  /** Pushes a line; false when the harness is gone. */
  push(line: HarnessPush): boolean;
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal;
  /** The revision or protocol is not the daemon's: replaced between turns. */
  readonly stale: boolean;
}
