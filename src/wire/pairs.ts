/** A change of an agent's state and the event that reports its end. */
export interface StatePair {
  begin: string;
  /** Any of them ends it. */
  ends: readonly string[];
  /** True where a second begin before the end is reported, too. */
  repeats: boolean;
  /**
   * True where the manager is told. What it is not told, the agent's tail and the audit trail show: a notice costs the
   * manager a turn, and a turn at a rate limit or without an upstream makes things worse.
   */
  toManager: boolean;
}

/**
 * Every event that reports a change of an agent's state, with its counterpart. The end is reported where the newest event
 * of its pair is the begin, and nowhere else: a cage that is woken by a message is no news.
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

/** Events after which nothing that began before is open: the agent is gone, or another one has its name. */
export const RESETS: readonly string[] = ["destroyed", "spawned"];

/** The pairs that a kind ends. */
export function endedBy(kind: string): StatePair[] {
  return PAIRS.filter(({ ends }) => ends.includes(kind));
}

/** The pair that a kind begins. */
export function begunBy(kind: string): StatePair | undefined {
  return PAIRS.find(({ begin }) => begin === kind);
}
