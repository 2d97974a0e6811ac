/** A change of an agent's state and the event that reports its end. */
export interface StatePair {
  begin: string;
  /** Any of them ends the change. */
  ends: readonly string[];
  /** True if a second begin is also reported before the end. */
  repeats: boolean;
  /**
   * True if the manager is notified. The agent's tail and the audit trail show the rest: a notice costs the manager a
   * turn, and a turn during a rate limit or without an upstream makes things worse.
   */
  toManager: boolean;
}

/**
 * Every event that reports a change of an agent's state, with its counterpart. The end is reported only if the newest
 * event of its pair is the begin: waking a cage for a message is not an event.
 */
export const PAIRS: readonly StatePair[] = [
  { begin: "killed", ends: ["started"], repeats: true, toManager: true },
  { begin: "container_crash", ends: ["started", "rebuilt"], repeats: true, toManager: true },
  { begin: "paused", ends: ["resumed"], repeats: false, toManager: true },
  { begin: "needs_login", ends: ["logged_in"], repeats: false, toManager: true },
  { begin: "needs_update", ends: ["rebuilt"], repeats: true, toManager: true },
  { begin: "drifted", ends: ["in_step", "rebuilt"], repeats: false, toManager: true },
  { begin: "destroyed", ends: ["spawned"], repeats: true, toManager: true },
  { begin: "rate_limited", ends: ["rate_limit_over"], repeats: false, toManager: false },
  { begin: "upstream_down", ends: ["upstream_back"], repeats: false, toManager: false },
  { begin: "parked", ends: ["unparked"], repeats: false, toManager: false },
];

/** Events after which no earlier begin is open: the agent has been removed, or another has its name. */
export const RESETS: readonly string[] = ["destroyed", "spawned"];

/** The pairs that a kind ends. */
export function endedBy(kind: string): StatePair[] {
  return PAIRS.filter(({ ends }) => ends.includes(kind));
}

/** The pair that a kind begins. */
export function begunBy(kind: string): StatePair | undefined {
  return PAIRS.find(({ begin }) => begin === kind);
}
