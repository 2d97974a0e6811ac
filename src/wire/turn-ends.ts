/** What caused the end of a turn. Only `message` counts towards the dead letter. */
export type Fault = "none" | "operator" | "hive" | "message" | "account" | "upstream" | "session" | "config" | "machine";

/**
 * Shortest and longest pause before the agent gets mail again. Each consecutive pause is twice the last. Milliseconds.
 */
export interface Pause {
  first: number;
  most: number;
}

/** The consequences of one way of ending a turn. */
export interface TurnEndRule {
  fault: Fault;
  /**
   * What happens to the turn's message: `done` acknowledges it; `dropped` drops it, or returns it if the operator asks
   * for that; `counted` returns it with one more failure, and the last failure makes it dead; `returned` returns it
   * uncounted.
   */
  message: "done" | "dropped" | "counted" | "returned";
  /** The harness tries this once per turn, then runs the prompt again. */
  recovery?: "compact" | "new_session";
  /** How long the agent is parked. Without it, the agent gets its next message at once. */
  pause?: Pause;
  /** When a turn ends this way. */
  when: string;
  /** What the operator can do. Shown in the agent's state reason. */
  remedy?: string;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
/** Short: the message may be at fault, and is dead after a few failures. */
const RETRY: Pause = { first: SECOND, most: 30 * SECOND };
/** For causes that end without help or are fixed on the host. */
const OUTAGE: Pause = { first: 10 * SECOND, most: 5 * MINUTE };
/** For causes that a person has to fix. */
const PERSON: Pause = { first: 5 * MINUTE, most: 30 * MINUTE };

/**
 * Every way in which a turn can end, its fault and its consequences. The turn loop, the broker and the code that parks
 * agents follow this table. The table in docs/reliability.md is generated from it.
 */
export const TURN_ENDS = {
  ok: { fault: "none", message: "done", when: "the CLI completes the turn" },
  cancelled: { fault: "operator", message: "dropped", when: "the operator cancels the turn" },
  interrupted: {
    fault: "hive",
    message: "returned",
    when: "a stop, a restart or a deploy interrupts the turn, or the cage ends",
  },
  failed: {
    fault: "message",
    message: "counted",
    pause: RETRY,
    when: "the CLI reports an error that none of the other rows names, or the API refuses what the turn has added to a new session",
  },
  crashed: {
    fault: "message",
    message: "counted",
    pause: RETRY,
    when: "the CLI ends while it works on the message (also when the kernel kills it for its memory: the two look alike)",
  },
  prompt_too_long: {
    fault: "message",
    message: "counted",
    recovery: "compact",
    pause: RETRY,
    when: "the prompt stays too long after the session was compacted",
  },
  rate_limited: {
    fault: "account",
    message: "returned",
    pause: { first: MINUTE, most: 15 * MINUTE },
    when: "the API answers 429; the pause lasts until the limit resets where the API says when",
  },
  needs_login: {
    fault: "account",
    message: "returned",
    pause: PERSON,
    when: "the API refuses the credential (401, 403)",
  },
  billing: {
    fault: "account",
    message: "returned",
    pause: PERSON,
    when: "the account has no credit (402, or the API's billing error)",
    remedy: "add credit to the account, then resume the agent",
  },
  upstream: {
    fault: "upstream",
    message: "returned",
    pause: OUTAGE,
    when: "the API is overloaded, fails or cannot be reached",
  },
  session_lost: {
    fault: "session",
    message: "returned",
    recovery: "new_session",
    pause: OUTAGE,
    when: "the CLI cannot resume the session: its file is gone, empty or unreadable",
    remedy: "`hivectl new-session` begins another one",
  },
  session_refused: {
    fault: "session",
    message: "returned",
    recovery: "new_session",
    pause: OUTAGE,
    when: "the API refuses the session's history (400, 422)",
    remedy: "`hivectl new-session` begins another one",
  },
  config: {
    fault: "config",
    message: "returned",
    pause: PERSON,
    when: "the API does not know the model (404), the gateway or the API refuses the request before the model has answered in a new session, or the CLI's arguments are too long (E2BIG)",
    remedy: "change the agent's model (`hivectl model`) or deploy another config",
  },
  machine: {
    fault: "machine",
    message: "returned",
    pause: OUTAGE,
    when: "the CLI cannot be started (missing, not executable, no memory, no processes), it ends before it has the prompt, or its session folder cannot be written (disk full, read-only)",
    remedy: "fix the host or the agent's home folder, then resume the agent",
  },
} as const satisfies Record<string, TurnEndRule>;

export type TurnEnd = keyof typeof TURN_ENDS;

export const turnEndRule = (end: TurnEnd): TurnEndRule => TURN_ENDS[end];

/**
 * The result that a turn is counted as. `failed` is the message's fault. `parked` is not, and the message is returned.
 * `cancelled` is the operator's doing. `interrupted` is due to a stop, a restart, a deploy or a cage that ended.
 */
export const TURN_RESULTS = ["ok", "failed", "parked", "cancelled", "interrupted"] as const;
export type TurnResult = (typeof TURN_RESULTS)[number];

/** Ends that park the agent and leave the message uncounted. */
export const PARKING_ENDS = [
  "rate_limited",
  "needs_login",
  "billing",
  "upstream",
  "session_lost",
  "session_refused",
  "config",
  "machine",
] as const satisfies readonly TurnEnd[];
/** Ends that count against the message. */
export const COUNTED_ENDS = ["failed", "crashed", "prompt_too_long"] as const satisfies readonly TurnEnd[];
