/** Limits on everything that crosses a process boundary. Each is defined once, with its reason. */

/** Bytes of UTF-8 in one message body. Large enough for a long report, small enough that a full inbox stays readable. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Bytes in one JSON line on any socket: the largest body with six-fold escaping (`\u0000`), plus its envelope. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024;
/**
 * Bytes in one line from the daemon to a client: a config of the maximum size with six-fold escaping, plus its file
 * names.
 */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** Nesting depth of one JSON line. Our own messages nest at most a dozen levels; tool inputs need the rest. */
export const MAX_JSON_DEPTH = 64;
/**
 * Values of one JSON line: each takes up to a hundred bytes of memory, whatever its bytes. The longest of our own
 * requests, 500 turn events, has some 10,000.
 */
export const MAX_JSON_VALUES = 50_000;
/** Characters of a request's `id`, if it is a text: a UUID fits twice. */
export const MAX_REQUEST_ID_CHARS = 80;
/** Bytes of unanswered requests of one connection: four of the longest lines. Further requests wait in the socket. */
export const MAX_CONNECTION_BYTES_IN_FLIGHT = 4 * MAX_LINE_BYTES;
/** Bytes of unanswered requests on all connections of one agent: four connections that send as much as they may. */
export const MAX_AGENT_BYTES_IN_FLIGHT = 4 * MAX_CONNECTION_BYTES_IN_FLIGHT;
/** Seconds that one `recv` may wait: less than the CLI's timeout for a silent tool call. */
export const MAX_RECV_WAIT_SECONDS = 180;
/** Characters of an agent's status text: a little more than one line on the dashboard. */
export const MAX_STATUS_CHARS = 280;
/** Characters of a description or a note. */
export const MAX_NOTE_CHARS = 4_096;
/** Characters of a question, and of each option. */
export const MAX_QUESTION_CHARS = 8_192;
/**
 * Bytes of UTF-8 of a question with all its options: three for each character of a long question. The notice of its
 * answer repeats question and chosen options, and fits into one message however they are escaped.
 */
export const MAX_QUESTION_BYTES = 24 * 1024;
/** Bytes of JSON of a question and of an answer in a listing, and of each option: what a card shows without scrolling. */
export const MAX_QUESTION_PREVIEW_BYTES = 4 * 1024;
export const MAX_OPTION_PREVIEW_BYTES = 512;
/** Options of one question: an operator cannot compare more. */
export const MAX_OPTIONS = 20;
/** Characters of an idempotency key that a sender may choose. */
export const MAX_CLIENT_ID_CHARS = 128;
/** Characters of a reason: why a turn, a cage or a tool server failed. Longer ones are cut. */
export const MAX_REASON_CHARS = 4_096;
/** Characters of a session's id, and of a lease's token: twice those that are in use. */
export const MAX_SESSION_ID_CHARS = 128;
export const MAX_TOKEN_CHARS = 128;
/** Leases that a harness presents: those of one turn. */
export const MAX_LEASES = 1_000;
/** A turn's number: a turn a second for thirty years. Every reader can count on from such a number without losing precision. */
export const MAX_TURN = 1_000_000_000;
/**
 * A figure that a harness reports (tokens, milliseconds, US dollars). The sum of all turns that are kept is exact, so no
 * statistic overflows.
 */
export const MAX_FIGURE = 10_000_000_000;
/** Lines that a harness reports as changed in a workspace: more than git counts in a repository of the largest size. */
export const MAX_LINES = 10_000_000_000;
/** Characters of partial text in one `delta`: a model's piece has a few words. */
export const MAX_DELTA_CHARS = 16 * 1024;
/** Bytes of one stored turn event. Longer tool results are truncated and marked. */
export const MAX_EVENT_BYTES = 256 * 1024;
/** Events in one `publish`. The line limit also applies. */
export const MAX_EVENTS_PER_PUBLISH = 500;
/**
 * Bytes of JSON of a long text in a listing, the snapshot or an event: more than two screens. The whole text is fetched
 * by id. The daemon's notices fit, but for those with a long question or error.
 */
export const MAX_PREVIEW_BYTES = 8 * 1024;
/** Bytes of JSON of a reason there: a stored reason fits unless it is full of characters that JSON escapes. */
export const MAX_REASON_PREVIEW_BYTES = 4 * 1024;
/** Bytes of JSON of one listing: a quarter of an answer, because clients parse it at once. A full one says `more`. */
export const MAX_LISTING_BYTES = 4 * 1024 * 1024;
/** Bytes of JSON of each list in the snapshot, which every page loads first: what a phone loads in a second. */
export const MAX_SNAPSHOT_LIST_BYTES = 512 * 1024;
/** Rows that one listing may return. Listings page by key. */
export const MAX_PAGE_ROWS = 500;
/** Days in one listing of usage, each with a row per agent and model. */
export const MAX_USAGE_DAYS = 31;
/** Days that usage is summed over at once: a year, so that the sum reads a bounded part of a table that is kept permanently. */
export const MAX_USAGE_SUM_DAYS = 366;
/** Rows of summed usage in one answer: more than a person reads, and a year of a few agents by day and model. */
export const MAX_USAGE_ROWS = 5_000;
/** Changes whose cost is summed in one answer, the newest: each reads the turns of its time. */
export const MAX_CHANGE_USAGE = 200;
/** Connections per agent socket: a harness, its bridges and its tools. */
export const MAX_AGENT_CONNECTIONS = 64;
/** Agents of a hive. A send to `*` stores one message per agent, so this also bounds its fan-out. */
export const MAX_AGENTS = 500;
/**
 * Undelivered messages per inbox at which the broker refuses senders. The daemon's notices are exempt (`NOTICES`). The
 * operator's inbox has no limit.
 */
export const MAX_INBOX_MESSAGES = 10_000;
/** Messages to one inbox that are held because their chain is too long: more than an operator reads. */
export const MAX_HELD_MESSAGES = 1_000;
/** Open questions of one agent: an operator cannot answer more. */
export const MAX_OPEN_QUESTIONS = 50;
/** Open changes of one agent, and of a hive: more than an operator reviews. */
export const MAX_OPEN_CHANGES = 64;
export const MAX_HIVE_CHANGES = 1_000;
/**
 * Proposals of an agent between two decisions on its changes. The hive keeps the row and the commit of each permanently.
 */
export const MAX_UNDECIDED_ROUNDS = 100;
/** Branches of one agent in all repositories: its open work, with room for what it forgot. */
export const MAX_AGENT_BRANCHES = 100;
/** Requests that may wait for the operator: an operator does not read more. */
export const MAX_OPEN_REQUESTS = 100;
/**
 * Requests of an agent that may end without the operator between two decisions. The hive keeps the contents of each
 * permanently.
 */
export const MAX_UNDECIDED_REQUESTS = 100;
/** Messages in one chain of agents answering each other before the operator is asked. Configurable. */
export const DEFAULT_MAX_HOPS = 32;
/**
 * What a loop of agents may use before the operator is asked: US dollars, or tokens of output, which limit models
 * without a price. Configurable.
 */
export const DEFAULT_LOOP_USD = 1;
export const DEFAULT_LOOP_OUTPUT_TOKENS = 100_000;
/** Failed turns of one message before it becomes dead. */
export const MAX_MESSAGE_FAILURES = 5;
/** Bytes of one agent's config tree on the wire. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
/** Files of one config tree: a config is instructions and a few programs, not a software project. */
export const MAX_CONFIG_FILES = 500;
/** Characters of a search: a sentence, not a document. */
export const MAX_SEARCH_CHARS = 200;
/** Characters of a path on the host: Linux's own limit. */
export const MAX_PATH_CHARS = 4_096;
/** Characters of a tool server's name, as in `agent.json`. */
export const MAX_SERVER_NAME_CHARS = 32;

/** A rate limit of the model that ends within this time is left to the CLI's own retry. Milliseconds. */
export const SHORT_LIMIT_MS = 5_000;
