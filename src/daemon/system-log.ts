import type { Agent } from "../agents/agent.ts";
import type { Driver } from "../platforms/port.ts";
import { HiveError } from "../wire/error.ts";
import type { CageSpecs } from "./cage-specs.ts";

/** Journals that one operator follows at once. All together follow eight (`container-queue.ts`). */
const MAX_FOLLOWED_BY_OPERATOR = 2;

/** What the systems of cages have logged. */
export interface SystemLog {
  last(agent: Agent, lines: number): Promise<string[]>;
  /** The last lines, then each new one, until `signal` aborts. Throws `rate_limited` if `operator` follows too many. */
  follow(agent: Agent, lines: number, operator: string, signal: AbortSignal): AsyncIterable<string[]>;
}

/** Reads what the systems of cages have logged. Undefined where cages boot none. */
export function systemLogOf(
  { systemLog, followSystemLog }: Pick<Driver, "systemLog" | "followSystemLog">,
  specs: Pick<CageSpecs, "place">,
): SystemLog | undefined {
  if (!systemLog || !followSystemLog) return undefined;
  /** By operator: what is followed now. */
  const followed = new Map<string, number>();
  return {
    last: (agent, lines) => systemLog(specs.place(agent), lines),
    async *follow(agent, lines, operator, signal) {
      const count = followed.get(operator) ?? 0;
      if (count >= MAX_FOLLOWED_BY_OPERATOR)
        throw new HiveError(
          "rate_limited",
          `you follow ${MAX_FOLLOWED_BY_OPERATOR} journals of containers, which is the most: end one of them`,
        );
      followed.set(operator, count + 1);
      try {
        yield* followSystemLog(specs.place(agent), lines, signal);
      } finally {
        const left = (followed.get(operator) ?? 1) - 1;
        if (left > 0) followed.set(operator, left);
        else followed.delete(operator);
      }
    },
  };
}
