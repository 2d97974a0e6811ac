/** Limits of everything that crosses a process boundary. Each is named here once, with its reason. */

/** Bytes of UTF-8 in one message body. Large enough for a long report, small enough that a full inbox stays readable. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Bytes in one JSON line on any socket: the largest body escaped six-fold (`\u0000`) and its envelope. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024;
/**
 * Bytes in one line of the daemon to its client: a config of full size, every byte of it escaped six-fold, and the names of
 * its files.
 */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Nesting of one JSON line. Nothing of ours nests deeper than a dozen; tool inputs get the rest. */
export const MAX_JSON_DEPTH = 64;
/** Seconds that one `recv` may wait: below the CLI's own patience with a silent tool call. */
export const MAX_RECV_WAIT_SECONDS = 180;
/** Characters of an agent's status text: one line on the dashboard and a little more. */
export const MAX_STATUS_CHARS = 280;
/** Characters of a description or a note. */
export const MAX_NOTE_CHARS = 4_096;
/** Characters of a question and of one option. */
export const MAX_QUESTION_CHARS = 8_192;
/** Options of one question: more cannot be compared by eye. */
export const MAX_OPTIONS = 20;
/** Characters of an idempotency key that a sender may choose. */
export const MAX_CLIENT_ID_CHARS = 128;
/** Bytes of one turn event once stored; longer tool results are cut with a mark. */
export const MAX_EVENT_BYTES = 256 * 1024;
/** Events in one `publish`: with the line limit, whichever comes first. */
export const MAX_EVENTS_PER_PUBLISH = 500;
/** Rows that one listing may return. Pages go on by key. */
export const MAX_PAGE_ROWS = 500;
/** Days in one listing of usage, each with a row per agent and model. */
export const MAX_USAGE_DAYS = 31;
/** Connections per agent socket: a harness, its bridges, and a crowd of tools. */
export const MAX_AGENT_CONNECTIONS = 64;
/** Messages one send to `*` may fan out to is the number of agents; this caps the agents of a hive. */
export const MAX_AGENTS = 500;
/**
 * Undelivered messages per inbox at which senders are refused. Notices of the daemon are stored past it (`NOTICES`). The
 * operator's inbox has no limit.
 */
export const MAX_INBOX_MESSAGES = 10_000;
/** Messages to one inbox that are held back because their chain is too long: more than an operator reads. */
export const MAX_HELD_MESSAGES = 1_000;
/** Open questions of one agent: past that the operator is asked too much to answer any. */
export const MAX_OPEN_QUESTIONS = 50;
/** Requests that may wait for the operator: past that nobody looks at any of them. */
export const MAX_OPEN_REQUESTS = 100;
/** Requests of an agent that end without the operator between two decisions: each keeps what it brought for ever. */
export const MAX_UNDECIDED_REQUESTS = 100;
/** Messages in one chain of agents answering agents before the operator is asked. Configurable. */
export const DEFAULT_MAX_HOPS = 32;
/** Failures of one message itself before it is dead. */
export const MAX_MESSAGE_FAILURES = 5;
/** Bytes of one agent's config tree as the wire carries it. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Files of one config tree: a config is instructions and a few programs, not a software project. */
export const MAX_CONFIG_FILES = 500;
/** Characters of a search: a sentence, not a document. */
export const MAX_SEARCH_CHARS = 200;
/** Characters of a path on the host: Linux itself takes no longer one. */
export const MAX_PATH_CHARS = 4_096;
/** Characters of a tool server's name, as `agent.json` allows it. */
export const MAX_SERVER_NAME_CHARS = 32;
