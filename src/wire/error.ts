import { z } from "zod";

/**
 * Every kind of failure that a caller can receive. Each edge translates it once: to an exit code, an HTTP status or a
 * tool error. Expected outcomes (a failed turn, a denied request) are data, not errors.
 */
export const ErrorCode = z.enum([
  "bad_request",
  "unauthorized",
  "forbidden",
  "not_found",
  "conflict",
  "too_large",
  "rate_limited",
  "disk_full",
  "unavailable",
  "protocol",
  "internal",
]);
export type ErrorCode = z.infer<typeof ErrorCode>;

/** A failure for the caller to read. `message` says what happened and what to do. */
export class HiveError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HiveError";
    this.code = code;
  }
}

/** The text for an unknown agent is fixed: clients match on it (docs/wire.md). */
export function unknownAgent(name: string): HiveError {
  return new HiveError("not_found", `agent "${name}" is not managed by this hive`);
}

/** Maximum length of a value that a complaint quotes. Characters. */
const MAX_QUOTED_CHARS = 80;
/** Fields that may contain a secret: variables, and the value of one. Complaints are stored and shown to others. */
const NEVER_QUOTED: readonly PropertyKey[] = ["env", "value"];
const MANY: Readonly<Record<string, string>> = { string: "characters", array: "entries" };

/**
 * The first complaint of a schema: the path of the field, what is wrong and what is allowed. If `input` is given, the
 * complaint quotes a short text value.
 */
export function schemaComplaint(error: z.ZodError, input?: unknown): string {
  const issue = error.issues[0];
  if (!issue) return "the request does not fit its schema";
  const path = issue.path.join(".");
  const value = issue.path.reduce((at: unknown, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], input);
  const isQuoted =
    typeof value === "string" &&
    value !== "" &&
    value.length <= MAX_QUOTED_CHARS &&
    !issue.path.some((key) => NEVER_QUOTED.includes(key));
  const field = isQuoted && path ? `${path} (${JSON.stringify(value)})` : path;
  return field ? `${field}: ${issueWords(issue)}` : issueWords(issue);
}

/** Plain words for the schema library's messages. Messages of our own schemas stay unchanged. */
function issueWords(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_key") return issue.issues[0] === undefined ? issue.message : issueWords(issue.issues[0]);
  if (issue.code === "too_big" && issue.message.startsWith("Too big")) {
    const many = MANY[issue.origin];
    return many === undefined ? `it is at most ${issue.maximum}` : `it has at most ${issue.maximum} ${many}`;
  }
  if (issue.code === "too_small" && issue.message.startsWith("Too small")) {
    const many = MANY[issue.origin];
    return many === undefined ? `it is at least ${issue.minimum}` : `it has at least ${issue.minimum} ${many}`;
  }
  if (issue.code === "invalid_type" && issue.message.startsWith("Invalid input")) {
    const given = /received (\w+)$/.exec(issue.message)?.[1];
    if (given === "undefined") return `it is missing (${kind(issue.expected)})`;
    const isFraction = issue.expected === "int" && given === "number";
    return `it has to be ${kind(issue.expected)}${given === undefined || isFraction ? "" : `, not ${kind(given)}`}`;
  }
  if (issue.code === "invalid_value" && issue.message.startsWith("Invalid"))
    return `it is ${issue.values.map((one) => JSON.stringify(one)).join(" or ")}`;
  return issue.message;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
};
const kind = (name: string): string => KINDS[name] ?? name;

/** Parses with a schema. Throws `bad_request` with the name of the field. */
export function parseOrThrow<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new HiveError("bad_request", schemaComplaint(result.error, value));
  return result.data;
}
