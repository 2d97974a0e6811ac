import { HiveError } from "../wire/error.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import { isForGood } from "./retry.ts";

export interface FinishParts {
  /** Sends the end to the daemon. Throws its refusal. */
  tell(turn: number, outcome: TurnOutcome): Promise<void>;
  /** Waits before sending an end again that the daemon could not store. */
  pause(): Promise<void>;
  log(words: string): void;
}

/**
 * Reports the end of a turn to the daemon. Retries a refusal that may pass: its disk is full, or it is busy. If the
 * daemon can never accept the outcome, sends a plain failure instead, which counts the attempt and parks the agent for
 * a moment: otherwise the lease would stay, or the turn would repeat without end. Throws if that is refused, too.
 */
export async function finishTurn(turn: number, outcome: TurnOutcome, { tell, pause, log }: FinishParts): Promise<void> {
  let told = outcome;
  for (;;) {
    try {
      return await tell(turn, told);
    } catch (error) {
      log(`the end of turn ${turn} could not be stored: ${error instanceof Error ? error.message : String(error)}`);
      // The link has ended, or the agent has another harness. The daemon returns the lease itself.
      if (!(error instanceof HiveError) || error.code === "conflict" || error.code === "forbidden") return;
      if (!isForGood(error)) await pause();
      else if (told !== outcome) throw error;
      else told = { kind: "failed", why: "failed", reason: `the daemon refused how the turn ended: ${error.message}` };
    }
  }
}
