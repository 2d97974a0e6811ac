import type { HarnessPush } from "../wire/harness.ts";

/** The connection of an agent's harness. */
export interface HarnessSession {
  readonly instance: string;
  readonly revision: string;
  readonly protocol: number;
  /** The generation that its cage was started with. */
  readonly generation: number;
  /** Pushes a line. Returns false if the connection has ended. */
  push(line: HarnessPush): boolean;
  /** Aborts when the connection ends. */
  readonly ended: AbortSignal;
  /** The revision, the protocol or the generation is not the expected one. The harness is replaced between turns. */
  readonly stale: boolean;
}
