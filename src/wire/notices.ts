import { MAX_INBOX_MESSAGES, MAX_MESSAGE_FAILURES, MAX_OPEN_QUESTIONS, MAX_OPEN_REQUESTS } from "./limits.ts";

/**
 * What becomes of a notice that waits in an inbox.
 * `state`: a newer one of the same kind about the same agent replaces it.
 * `outcome`: it is kept until it is delivered. What causes it is bounded instead.
 */
export type NoticeClass = "state" | "outcome";

export interface NoticeRule {
  class: NoticeClass;
  /** What bounds the notices of this kind that wait in one inbox. */
  bound: string;
}

const ONE_PER_AGENT = "one per agent";
const byState: NoticeRule = { class: "state", bound: ONE_PER_AGENT };

/**
 * Every kind of message that the daemon itself sends to an agent. A notice is stored in the transaction of the fact that
 * it reports and is never refused: the limit of an inbox binds senders, and the agents that ask for what is answered.
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

/** A notice: its kind, the agent that it is about where it is about one, and its details. */
export interface Notice {
  event: NoticeKind;
  agent?: string;
  [detail: string]: unknown;
}

export function isNoticeKind(kind: string): kind is NoticeKind {
  return Object.hasOwn(NOTICES, kind);
}

/** What a newer notice must have in common with a queued one to replace it; null for one that is never replaced. */
export function noticeKey({ event, agent }: Notice): string | null {
  return NOTICES[event].class === "state" ? `${event} ${agent ?? ""}` : null;
}
