import type { Agent } from "../agents/agent.ts";
import type { Driver } from "../platforms/port.ts";
import type { CageSpecs } from "./cage-specs.ts";

/** Reads what the system of an agent's cage has logged. Undefined where cages boot none. */
export function systemLogOf(
  { systemLog }: Pick<Driver, "systemLog">,
  specs: Pick<CageSpecs, "place">,
): ((agent: Agent, lines: number) => Promise<string[]>) | undefined {
  return systemLog && ((agent, lines) => systemLog(specs.place(agent), lines));
}
