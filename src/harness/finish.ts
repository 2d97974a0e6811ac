import { HiveError } from "../wire/error.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import { isPermanent } from "./retry.ts";

export interface FinishDeps {
  /** Sends the end to the daemon. Throws its refusal. */
  report(turn: number, outcome: TurnOutcome): Promise<void>;
  /** Waits before sending an end again that the daemon could not store. */
  pause(): Promise<void>;
  log(line: string): void;
}

/**
 * Reports the end of a turn to the daemon. Retries a refusal that may pass, such as a full disk. If the daemon can
 * never accept the outcome, it reports a plain failure instead, which counts the attempt and parks the agent for a
 * moment. Otherwise the lease would stay, or the turn would repeat without end. Throws if the plain failure is refused
 * too.
 */
export async function finishTurn(turn: number, outcome: TurnOutcome, { report, pause, log }: FinishDeps): Promise<void> {
  let reported = outcome;
  for (;;) {
    try {
      return await report(turn, reported);
    } catch (error) {
      log(`the end of turn ${turn} could not be stored: ${error instanceof Error ? error.message : String(error)}`);
      // The link has ended, or the agent has another harness. The daemon returns the lease itself.
      if (!(error instanceof HiveError) || error.code === "conflict" || error.code === "forbidden") return;
      if (!isPermanent(error)) await pause();
      else if (reported !== outcome) throw error;
      else reported = { kind: "failed", why: "failed", reason: `the daemon refused the outcome of the turn: ${error.message}` };
    }
  }
}
