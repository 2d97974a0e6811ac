/** What the operator has decided about one limit of a scope. Each part counts only for the period that it names. */
export interface Decision {
  /** Added to the limit. */
  extra: number;
  extraFor: string;
  /** The date on which the limit does not count; of a change, its period. */
  liftedOn: string;
  /** The period in which the agent stays stopped, and who has decided it. */
  stoppedFor: string;
  by: string;
}

/** How a limit stands. */
export interface Verdict {
  used: number;
  /** The limit with what the operator has added. */
  allowed: number;
  extra: number;
  isLifted: boolean;
  /** Nothing more may be spent. */
  isReached: boolean;
  /** At least four fifths are used. */
  isNear: boolean;
}

/** The share of a limit from which on the agent's row has a warning. */
const NEAR = 0.8;

/** Compares what is used with a limit, under the operator's decision, in a period of a date. */
export function verdictOf(limit: number, used: number, period: string, date: string, decision?: Decision): Verdict {
  const extra = decision?.extraFor === period ? decision.extra : 0;
  const allowed = limit + extra;
  const isLifted = decision?.liftedOn === date || decision?.liftedOn === period;
  return { used, allowed, extra, isLifted, isReached: !isLifted && used >= allowed, isNear: !isLifted && used >= allowed * NEAR };
}
