import {
  MAX_INBOX_MESSAGES,
  MAX_MESSAGE_FAILURES,
  MAX_OPEN_CHANGES,
  MAX_OPEN_QUESTIONS,
  MAX_OPEN_REQUESTS,
  MAX_UNDECIDED_ROUNDS,
} from "./limits.ts";

/**
 * What happens to a notice that waits in an inbox.
 * `state`: a newer notice of the same kind about the same agent replaces it.
 * `outcome`: it is kept until it is delivered. Its cause is bounded instead.
 */
export type NoticeClass = "state" | "outcome";

export interface NoticeRule {
  class: NoticeClass;
  /** What bounds the number of notices of this kind in one inbox. */
  bound: string;
}

const ONE_PER_AGENT = "one per agent";
const byState: NoticeRule = { class: "state", bound: ONE_PER_AGENT };

/**
 * Every kind of message that the daemon itself sends to an agent. A notice is stored in the transaction of the fact
 * that it reports and is never refused. The limit of an inbox applies to senders and to agents that ask for something
 * that is answered by a notice.
 */
export const NOTICES = {
  approval_resolved: {
    class: "outcome",
    bound: `one per request; ${MAX_OPEN_REQUESTS} requests may be open, and an agent whose inbox holds ${MAX_INBOX_MESSAGES} messages may not ask`,
  },
  operator_answered: {
    class: "outcome",
    bound: `one per question; ${MAX_OPEN_QUESTIONS} questions of an agent may be open, and an agent whose inbox holds ${MAX_INBOX_MESSAGES} messages may not ask`,
  },
  spawned: { class: "outcome", bound: "one per agent that the operator approves or revives" },
  destroyed: { class: "outcome", bound: "one per agent that the operator destroys" },
  message_dead: { class: "outcome", bound: `one per message that failed in ${MAX_MESSAGE_FAILURES} turns` },
  change_returned: {
    class: "outcome",
    bound: `one per decision on a change; ${MAX_OPEN_CHANGES} changes of an agent may be open, and an agent whose inbox holds ${MAX_INBOX_MESSAGES} messages may not propose`,
  },
  review_asked: {
    class: "outcome",
    bound: `one per round of a change that it may approve; an agent proposes at most ${MAX_UNDECIDED_ROUNDS} until anyone decides`,
  },
  rebuilt: byState,
  killed: byState,
  container_crash: byState,
  started: byState,
  paused: byState,
  resumed: byState,
  needs_login: byState,
  logged_in: byState,
  needs_update: byState,
  drifted: byState,
  in_step: byState,
} as const satisfies Record<string, NoticeRule>;

export type NoticeKind = keyof typeof NOTICES;

/** A notice: its kind, the agent that it concerns, if any, and its details. */
export interface Notice {
  event: NoticeKind;
  agent?: string;
  [detail: string]: unknown;
}

export function isNoticeKind(kind: string): kind is NoticeKind {
  return Object.hasOwn(NOTICES, kind);
}

/** The key that a newer notice must share with a queued one to replace it; null for a notice that is never replaced. */
export function noticeKey({ event, agent }: Notice): string | null {
  return NOTICES[event].class === "state" ? `${event} ${agent ?? ""}` : null;
}
