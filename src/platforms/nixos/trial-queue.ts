import { Slots } from "../../lib/slots.ts";
import { HiveError } from "../../wire/error.ts";
import { isOperator } from "../../wire/roles.ts";

/** An evaluation takes seconds of a processor and gigabytes of memory: one at a time. */
const AT_ONCE = { most: 1, mostPerKey: 1 };
/** Proposals of one agent that wait to be evaluated. One may take minutes. */
const MAX_WAITING_OF_AGENT = 2;
/** Of all agents. */
const MAX_WAITING = 16;
const NEVER = new AbortController().signal;

/**
 * Evaluates proposals one after the other. Those of operators wait for no agent's; more of an agent than may wait are
 * refused as `rate_limited`. One that waits ends with `ended`.
 */
export function trialQueue(): <T>(by: string, trial: () => Promise<T>, ended?: AbortSignal) => Promise<T> {
  const full = (): HiveError =>
    new HiveError(
      "rate_limited",
      `${MAX_WAITING_OF_AGENT} of your proposals wait to be evaluated, or ${MAX_WAITING} of all agents: propose it again when some of them have been`,
    );
  const agents = new Slots({ ...AT_ONCE, waiting: { most: MAX_WAITING, mostPerKey: MAX_WAITING_OF_AGENT, full } });
  const operators = new Slots(AT_ONCE);
  return (by, trial, ended = NEVER) => (isOperator(by) ? operators : agents).run(by, ended, trial);
}
