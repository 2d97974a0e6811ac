import type { LeasedMessage } from "../wire/message.ts";

/** Added to the head of the wake prompt for an agent whose session had to be replaced. */
const NEW_SESSION = " (new session: the earlier one could not be continued. You do not remember it; your files are unchanged)";

/**
 * The text that begins a turn: sender, body, how many messages wait, and a note for a second attempt or a new session.
 * The model reads the other messages with `recv`. The rehearsal model parses this form
 * (src/gateway/anthropic/rehearsal/conversation.ts).
 */
export function wakePrompt(message: LeasedMessage, unread: number, { newSession = false } = {}): string {
  const again = message.redelivered ? " (redelivered: an earlier attempt did not finish)" : "";
  const more = unread > 0 ? `\n\n(${unread} more pending; call recv for them.)` : "";
  return `Message from ${message.from}${again}${newSession ? NEW_SESSION : ""}\n\n${message.body}${more}`;
}
