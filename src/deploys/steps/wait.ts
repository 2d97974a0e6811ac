import type { Step, WithAgent } from "./step.ts";

/** How long a deploy waits for a running turn. An update of hyperhive itself waits without limit. */
const MAX_TURN_MS = 10 * 60_000;
/** How long a turn may take to stop before its cage is ended. Milliseconds. */
const STOP_TURN_MS = 5_000;

/**
 * Holds the turn loop and waits until no turn runs. After ten minutes, or when the operator forces it, the turn is
 * stopped and its message returns uncounted.
 */
export const waitStep: Step<WithAgent> = {
  name: "wait",
  state: "waiting",
  async do({ context, row, ended, forced, agent }) {
    context.harnesses.hold(agent);
    const isQuiet = (): boolean => !context.harnesses.isBusy(agent);
    if (isQuiet()) return {};
    const turnTimer = row.origin === "update" ? undefined : setTimeout(() => forced.abort(), MAX_TURN_MS);
    await agent.untilQuiet(isQuiet, AbortSignal.any([ended, forced.signal]));
    clearTimeout(turnTimer);
    ended.throwIfAborted();
    if (isQuiet()) return {};
    agent.harness?.push({ push: "cancel", return: true });
    await agent.untilQuiet(isQuiet, AbortSignal.any([ended, AbortSignal.timeout(STOP_TURN_MS)]));
    return {};
  },
  async undo({ context, agent }) {
    context.harnesses.unhold(agent);
  },
};
