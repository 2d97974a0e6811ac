import { z } from "zod";

/**
 * Every kind of failure that a caller can be told. Translated once at each edge: to an exit code, an HTTP status,
 * a tool error. Expected outcomes (a failed turn, a denied approval) are data, not errors.
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

/** A failure that is the caller's to read. `message` says what happened and what to do. */
export class HiveError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "HiveError";
    this.code = code;
  }
}

/** The words for an unknown agent are fixed: clients match on them (docs/wire.md). */
export function unknownAgent(name: string): HiveError {
  return new HiveError("not_found", `agent "${name}" is not managed by this hive`);
}

/** The first complaint of a schema, with the path to the field it is about. */
export function schemaComplaint(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return "the request does not fit its schema";
  const path = issue.path.join(".");
  return path ? `${path}: ${issue.message}` : issue.message;
}

/** Parses with a schema or throws `bad_request` that names the field. */
export function parseOrThrow<S extends z.ZodType>(schema: S, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new HiveError("bad_request", schemaComplaint(result.error));
  return result.data;
}
