import { afterAwake } from "../lib/timers.ts";
import type { CageExit, Running } from "../platforms/port.ts";
import type { Agent } from "./agent.ts";

/** The state of a cage before a deploy tried another generation in it. */
export type Whereabouts = "running" | "asleep" | "stopped";

/** The parameters of a trial of another generation. */
export interface Trial {
  /** Only the new generation gets it. */
  nonce: string;
  confirmed: Promise<void>;
  withinMs: number;
  /** Aborts with the reason when the daemon stops or everything is stopped. The trial then fails at once. */
  ended: AbortSignal;
  /** Called with the agent's state before the trial changes anything. */
  leaving(was: Whereabouts): void;
  /** Switches the agent to the new generation while no process of it runs. */
  switched(): void;
}

/** Resolves with the confirmation. Rejects if the cage ends first, or if the confirmation does not come in time. */
export async function confirmation(agent: Agent, { confirmed, withinMs, ended }: Trial, running: Running): Promise<void> {
  let cancelTimer = (): void => {};
  let giveUp: (() => void) | undefined;
  const late = new Promise<never>((_, reject) => {
    const words = `the new generation has not confirmed within ${Math.round(withinMs / 1000)} s`;
    cancelTimer = afterAwake(withinMs, () => reject(new Error(words)));
    giveUp = () => reject(ended.reason as Error);
    ended.addEventListener("abort", giveUp);
    if (ended.aborted) giveUp();
  });
  const gone = running.exited.then((exit) => {
    throw new Error(`the new generation ended before it confirmed: ${exitWords(agent, exit)}`);
  });
  gone.catch(() => {}); // The race below handles it. After the race no code awaits it.
  try {
    await Promise.race([confirmed, late, gone]);
  } finally {
    cancelTimer();
    if (giveUp) ended.removeEventListener("abort", giveUp);
  }
}

/** Why a cage ended: the reason of its driver, the reason of its harness, or its exit code. */
export function exitWords(agent: Agent, { code, signal, reason }: CageExit): string {
  if (reason !== undefined) return reason;
  if (agent.problem !== undefined) return agent.problem;
  return signal ? `ended by ${signal}` : `exit ${code ?? "unknown"}`;
}
