import { constants } from "node:os";
import type { ErrorCode } from "../wire/error.ts";

/** The exit codes of `hivectl`: the single list that the help, the man page and docs/hivectl.md print. */
export const EXIT = { ok: 0, refused: 1, usage: 2, noDaemon: 3, partial: 4, unanswered: 5, timeout: 6 } as const;

/** A shell adds this to the number of the signal that ended a program. */
const SIGNAL_BASE = 128;
export const interruptedBy = (signal: keyof typeof constants.signals): number => SIGNAL_BASE + constants.signals[signal];

/** What each exit code means. A test compares docs/hivectl.md with it. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.ok, "done"],
  [EXIT.refused, "refused, declined, or the deploy or check that was followed failed; standard error says why"],
  [EXIT.usage, "the command line is not understood, or the verb needs --yes"],
  [EXIT.noDaemon, "no daemon answers, or it stopped before the verb ended"],
  [EXIT.partial, "some of several failed; standard error says which and why"],
  [
    EXIT.unanswered,
    "send --wait: no answer, because the message is dead, dropped, held or cannot be delivered, or its turn ended",
  ],
  [EXIT.timeout, "--timeout passed; the operation continues"],
  [interruptedBy("SIGINT"), "interrupted by Ctrl-C; the operation continues"],
];

/** `code` of a failure in --json: a code of the daemon, or one of the terminal's own. */
export type FailureCode = ErrorCode | "failed" | "declined" | "partial" | "unanswered" | "timeout" | "interrupted";

/**
 * A verb that did not do what it was asked. The text on standard error, the JSON on standard output and the exit code
 * are all derived from it. `facts` are further fields of the JSON.
 */
export class Failure extends Error {
  readonly exit: number;
  readonly code: FailureCode;
  readonly facts: object;

  constructor(exit: number, code: FailureCode, words: string, facts: object = {}) {
    super(words);
    this.exit = exit;
    this.code = code;
    this.facts = facts;
  }
}

/** An argument that cannot be parsed, or a question that cannot be asked. */
export class UsageError extends Failure {
  constructor(words: string) {
    super(EXIT.usage, "bad_request", words);
  }
}

/**
 * True for an error that the daemon sent. Checks the name, because the class comes with the contract, which may not be
 * loaded yet.
 */
export const isRefusal = (error: unknown): error is Error & { code: ErrorCode } =>
  error instanceof Error && error.name === "HiveError";

/** The daemon stopped or was killed during the call. */
export const isConnectionLost = (error: unknown): boolean => isRefusal(error) && "isConnectionLost" in error;

/** Turns any thrown value into a failure with a text for people. */
export function failureOf(error: unknown, facts: object = {}): Failure {
  if (error instanceof Failure) return error;
  if (isConnectionLost(error))
    return new Failure(
      EXIT.noDaemon,
      "unavailable",
      "the hive stopped before it answered; what was asked for may be done",
      facts,
    );
  return new Failure(EXIT.refused, isRefusal(error) ? error.code : "internal", wordsOf(error), facts);
}

/** An answer that does not match the contract comes from a daemon of another version. */
export function wordsOf(error: unknown): string {
  const issues = (error as { issues?: { path: PropertyKey[] }[] } | undefined)?.issues;
  if (error instanceof Error && Array.isArray(issues)) {
    const where = issues[0]?.path.map(String).join(".") ?? "";
    return `the daemon's answer is not understood (${where}): it runs another version than this hivectl; restart the daemon`;
  }
  return error instanceof Error ? error.message : String(error);
}
