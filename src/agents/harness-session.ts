import type { HarnessPush } from "../wire/harness.ts";

/** The connection of an agent's one harness, as decisions see it. */
export interface HarnessSession {
  readonly instance: string;
  readonly revision: string;
  readonly protocol: number;
  /** The generation that its cage was started with. */
  readonly generation: number;
  /** Pushes a line; false when the harness is gone. */
  push(line: HarnessPush): boolean;
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal;
  /** The revision, the protocol or the generation is not the one that it should be: replaced between turns. */
  readonly stale: boolean;
}
