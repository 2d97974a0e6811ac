import type { Agent } from "../agents/agent.ts";
import type { Driver } from "../platforms/port.ts";
import type { CageSpecs } from "./cage-specs.ts";

/** What the systems of cages have logged. */
export interface SystemLog {
  last(agent: Agent, lines: number): Promise<string[]>;
  /** The last lines, then each new one, until `signal` aborts. */
  follow(agent: Agent, lines: number, signal: AbortSignal): AsyncIterable<string[]>;
}

/** Reads what the systems of cages have logged. Undefined where cages boot none. */
export function systemLogOf(
  { systemLog, followSystemLog }: Pick<Driver, "systemLog" | "followSystemLog">,
  specs: Pick<CageSpecs, "place">,
): SystemLog | undefined {
  if (!systemLog || !followSystemLog) return undefined;
  return {
    last: (agent, lines) => systemLog(specs.place(agent), lines),
    follow: (agent, lines, signal) => followSystemLog(specs.place(agent), lines, signal),
  };
}
