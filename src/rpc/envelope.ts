import { ErrorCode, HiveError } from "../wire/error.ts";
import type { RequestId } from "./request-id.ts";

/** Version of host.sock and of every response envelope. */
export const WIRE_VERSION = 1;

export interface Success {
  version: typeof WIRE_VERSION;
  ok: true;
}
export interface Failure {
  version: typeof WIRE_VERSION;
  ok: false;
  error: string;
  code: ErrorCode;
}

/** Wraps an operation's output. JSON drops undefined fields: they are absent, never null. */
export function success<T extends object>(output: T): Success & T {
  return { version: WIRE_VERSION, ok: true, ...output };
}

/**
 * A success as one line, with the `id` of its request if it had one. The envelope is written around the output's JSON,
 * because copying the output into an envelope first costs more than the text itself.
 */
export function successLine(id: RequestId | undefined, json: string): string {
  const inside = json.slice(1);
  // Nearly every id is a number, which needs no serialiser.
  const text = typeof id === "number" ? id : JSON.stringify(id);
  const named = id === undefined ? "" : `"id":${text},`;
  return `{${named}"version":${WIRE_VERSION},"ok":true${inside === "}" ? inside : `,${inside}`}`;
}

/** The only place that turns a failure into a line. An unexpected error is reported without its details. */
export function failure(error: unknown): Failure {
  if (error instanceof HiveError) return { version: WIRE_VERSION, ok: false, error: error.message, code: error.code };
  return {
    version: WIRE_VERSION,
    ok: false,
    error: "something went wrong inside the daemon; its log says what",
    code: "internal",
  };
}

/** Turns a response line back into its output, or throws the HiveError that it carries. */
export function unwrap(line: Record<string, unknown>): Record<string, unknown> {
  if (line["ok"] === true) return line;
  const code = ErrorCode.safeParse(line["code"]);
  const words = typeof line["error"] === "string" ? line["error"] : "the daemon refused without a reason";
  throw new HiveError(code.success ? code.data : "internal", words);
}
