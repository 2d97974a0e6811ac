import type { TurnEnd } from "../../../wire/turn-ends.ts";

/** What is known about a CLI process that ended before it answered `initialize`. */
export interface StartFailure {
  /** The operating system's error code if the process could not be started at all. */
  code: string | undefined;
  /** The text of the CLI, the SDK or the operating system. */
  words: string;
  /** True if the process was started to resume a session. */
  resuming: boolean;
}

/** The CLI's messages for a session that is missing, empty or unreadable (2.1.330). */
const SESSION_LOST = /no conversation found|failed to resume session|--resume requires/i;
/** The CLI's messages for arguments that it refuses. */
const BAD_ARGUMENTS = /mcp config|unknown option|invalid (?:mcp|option|argument|settings)/i;

/** Classifies a failed start. It is never the message's fault, because the CLI has not seen the message. */
export function startFailure({ code, words, resuming }: StartFailure): { kind: TurnEnd; reason: string } {
  if (code === "E2BIG")
    return {
      kind: "config",
      reason:
        "Claude Code cannot be started: its arguments and environment are too long (E2BIG); shorten extraMcpServers, tools or env",
    };
  if (code !== undefined) return { kind: "machine", reason: `Claude Code cannot be started (${code})` };
  if (resuming && SESSION_LOST.test(words)) return { kind: "session_lost", reason: words };
  return { kind: BAD_ARGUMENTS.test(words) ? "config" : "machine", reason: `Claude Code ends at its start: ${words}` };
}
