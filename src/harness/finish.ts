import { HiveError } from "../wire/error.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import { isForGood } from "./retry.ts";

export interface FinishParts {
  /** Tells the daemon. Throws its refusal. */
  tell(turn: number, outcome: TurnOutcome): Promise<void>;
  /** Waits before an end that the daemon could not store is told again. */
  pause(): Promise<void>;
  log(words: string): void;
}

/**
 * Tells the daemon how a turn ended, again while that may help: its disk is full, or it is busy. An outcome that it
 * will never take is told once more as a plain failure, which counts the message and parks the agent for a moment: a
 * lease must not stay, nor a turn be repeated without end. Throws when that is refused, too.
 */
export async function finishTurn(turn: number, outcome: TurnOutcome, { tell, pause, log }: FinishParts): Promise<void> {
  let told = outcome;
  for (;;) {
    try {
      return await tell(turn, told);
    } catch (error) {
      log(`the end of turn ${turn} could not be stored: ${error instanceof Error ? error.message : String(error)}`);
      // The link is over, or this harness is no longer the agent's: the daemon gives the lease back itself.
      if (!(error instanceof HiveError) || error.code === "conflict" || error.code === "forbidden") return;
      if (!isForGood(error)) await pause();
      else if (told !== outcome) throw error;
      else told = { kind: "failed", why: "failed", reason: `the daemon refused how the turn ended: ${error.message}` };
    }
  }
}
