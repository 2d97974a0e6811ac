import { afterAwake } from "../lib/timers.ts";
import type { CageExit, Running } from "../platforms/port.ts";
import type { Agent } from "./agent.ts";

/** Where a cage was before a deploy tried another generation in it. */
export type Whereabouts = "running" | "asleep" | "stopped";

/** How another generation is tried. */
export interface Trial {
  /** Given to the new generation alone. */
  nonce: string;
  confirmed: Promise<void>;
  withinMs: number;
  /** Gives up at once, with the reason in words: the daemon ends, or everything is stopped. */
  ended: AbortSignal;
  /** Told where the agent is before anything is touched. */
  leaving(was: Whereabouts): void;
  /** Changes what the agent is, while no process of it runs. */
  switched(): void;
}

/** Resolves with the confirmation; rejects when the cage ends before it, or none comes in time. */
export async function confirmation(agent: Agent, { confirmed, withinMs, ended }: Trial, running: Running): Promise<void> {
  let callOff = (): void => {};
  let giveUp: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    const words = `the new generation has not confirmed within ${Math.round(withinMs / 1000)} s`;
    callOff = afterAwake(withinMs, () => reject(new Error(words)));
    giveUp = () => reject(ended.reason as Error);
    ended.addEventListener("abort", giveUp);
    if (ended.aborted) giveUp();
  });
  const gone = running.exited.then((exit) => {
    throw new Error(`the new generation ended before it confirmed: ${exitWords(agent, exit)}`);
  });
  gone.catch(() => {}); // The race below has it; after the race nobody asks.
  try {
    await Promise.race([confirmed, late, gone]);
  } finally {
    callOff();
    if (giveUp) ended.removeEventListener("abort", giveUp);
  }
}

/** Why a cage ended: in its driver's words, in those of its harness, or by its exit code. */
export function exitWords(agent: Agent, { code, signal, reason }: CageExit): string {
  if (reason !== undefined) return reason;
  if (agent.problem !== undefined) return agent.problem;
  return signal ? `ended by ${signal}` : `exit ${code ?? "unknown"}`;
}
