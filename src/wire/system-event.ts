import type { SYSTEM } from "./names.ts";
import { KIND_WORDS, questionStateWord } from "./words.ts";

/** The daemon as a sender. */
const DAEMON: typeof SYSTEM = "system";

type Facts = Record<string, unknown>;

/** Hexadecimal digits of a commit that people compare. */
const SHA_DIGITS = 12;

const text = (value: unknown): string => (typeof value === "string" ? value : (JSON.stringify(value) ?? ""));
const short = (sha: unknown): string => text(sha).slice(0, SHA_DIGITS);
/** The separator and the value; empty without a value. */
const more = (value: unknown, before: string): string => (value === undefined || value === null ? "" : before + text(value));

const kindWord = (kind: unknown): string => {
  const known = Object.entries(KIND_WORDS).find(([name]) => name === kind);
  return known ? known[1] : text(kind);
};

/** The comments that a change came back with, a line each. */
const commentLines = (comments: unknown): string =>
  Array.isArray(comments)
    ? (comments as Facts[])
        .map(({ path, line, text: words }) => `\n- ${path === undefined ? "" : `${text(path)}:${text(line)}: `}${text(words)}`)
        .join("")
    : "";

const WORDS: Record<string, (facts: Facts) => string> = {
  approval_resolved: ({ id, kind, agent, status, tag, note, error }) =>
    `request ${text(id)}, ${kindWord(kind)} for ${text(agent)}: ${text(status)}${more(tag, " · ")}${more(note, " · ")}${more(error, " · ")}`,
  spawned: ({ agent, sha, request, revived }) =>
    `${text(agent)} ${revived === true ? "is revived" : "is spawned"} · ${short(sha)} · request ${text(request)}`,
  change_returned: ({ change, repo, status, note, reason, comments }) =>
    `change ${text(change)} of ${text(repo)}: ${text(status).replace("_", " ")}${more(note, " · ")}${more(reason, " · ")}${commentLines(comments)}`,
  review_asked: ({ change, repo, by, title, base }) =>
    `${text(by)} proposes change ${text(change)} of ${text(repo)} for ${text(base)}, which waits for a review: ${text(title)}`,
  rebuilt: ({ agent, sha, request }) => `${text(agent)} runs ${short(sha)} · request ${text(request)}`,
  killed: ({ agent, reason }) => `${text(agent)} was stopped${more(reason, ": ")}`,
  started: ({ agent, reason }) => `${text(agent)} runs again${more(reason, ": ")}`,
  paused: ({ agent }) => `${text(agent)} is paused: its messages queue`,
  resumed: ({ agent }) => `${text(agent)} goes on`,
  destroyed: ({ agent, purged, reason }) =>
    `${text(agent)} is destroyed, ${purged === true ? "nothing of it is kept" : "its notes are kept"}${more(reason, ": ")}`,
  operator_answered: ({ question_id, question, state, answer }) =>
    `question ${text(question_id)}, “${text(question)}” ${state === "answered" ? `→ ${text(answer)}` : state === "cancelled" ? questionStateWord(state) : text(state)}`,
  container_crash: ({ agent, reason, next }) => `the cage of ${text(agent)} ended${more(reason, ": ")}${more(next, "; ")}`,
  needs_login: ({ agent, reason }) => `${text(agent)} needs a login${more(reason, ": ")}`,
  logged_in: ({ agent }) => `${text(agent)} is logged in again`,
  needs_update: ({ agent, reason }) => `${text(agent)} needs an update${more(reason, ": ")}`,
  drifted: ({ agent, reason }) => `${text(agent)} differs from what was deployed${more(reason, ": ")}`,
  in_step: ({ agent }) => `${text(agent)} is again what was deployed`,
  rate_limited: ({ agent, reason, over_budget: isOver }) =>
    `${text(agent)} is ${isOver === true ? "over budget" : "rate limited"}${more(reason, ": ")}`,
  rate_limit_over: ({ agent }) => `${text(agent)} goes on: no limit holds it any more`,
  upstream_down: ({ agent, reason }) => `${text(agent)} gets no answer from the model${more(reason, ": ")}`,
  upstream_back: ({ agent }) => `${text(agent)} gets answers from the model again`,
  parked: ({ agent, reason }) => `${text(agent)} is parked${more(reason, ": ")}`,
  unparked: ({ agent }) => `${text(agent)} is no longer parked`,
  message_dead: ({ message_id, from, to, reason }) =>
    `message ${text(message_id)} of ${text(from)} to ${text(to)} is dead${more(reason, ": ")}`,
};

/**
 * The text for a message from the daemon to an agent (JSON with an `event`), on one line unless its facts have several.
 * Undefined for any message that is not from the daemon, whatever its body. An unknown event is shown by its facts.
 */
export function systemWords(from: string, body: string): string | undefined {
  if (from !== DAEMON) return undefined;
  const { event, ...facts } = factsIn(body);
  if (typeof event !== "string") return undefined;
  const known = Object.hasOwn(WORDS, event) ? WORDS[event] : undefined;
  if (known) return known(facts);
  return [event, ...Object.entries(facts).map(([fact, value]) => `${fact} ${text(value)}`)].join(" · ");
}

function factsIn(body: string): Facts {
  try {
    return Object(JSON.parse(body)) as Facts;
  } catch {
    // Not JSON: the message is shown unchanged.
    return {};
  }
}
