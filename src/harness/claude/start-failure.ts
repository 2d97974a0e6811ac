import type { TurnEnd } from "../../wire/turn-ends.ts";

/** What is known of a CLI process that ended before it answered `initialize`. */
export interface StartFailure {
  /** The operating system's code when the process could not be started at all. */
  code: string | undefined;
  /** What the CLI, the SDK or the operating system said. */
  words: string;
  /** True when the process was started to resume a session. */
  resuming: boolean;
}

/** How the CLI says that the session to resume is gone, empty or unreadable (2.1.330). */
const SESSION_LOST = /no conversation found|failed to resume session|--resume requires/i;
/** What the CLI refuses in its own arguments. */
const BAD_ARGUMENTS = /mcp config|unknown option|invalid (?:mcp|option|argument|settings)/i;

/** Whose fault it is that the CLI did not start. None of it is the message's: the CLI has not seen it. */
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
