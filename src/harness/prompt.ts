import type { LeasedMessage } from "../wire/message.ts";

/** Said to an agent whose session had to be replaced, in the head of its wake prompt. */
const NEW_SESSION = " (new session: the earlier one could not be continued. You do not remember it; your files are unchanged)";

/**
 * The text that a turn begins with: sender, body, how many more wait, a note when it is a second attempt or when the
 * session is a new one. Nothing else: the model takes the rest with `recv`. The rehearsal model reads this form
 * (src/gateway/rehearsal/conversation.ts).
 */
export function wakePrompt(message: LeasedMessage, unread: number, { newSession = false } = {}): string {
  const again = message.redelivered ? " (redelivered: an earlier attempt did not finish)" : "";
  const more = unread > 0 ? `\n\n(${unread} more pending; call recv for them.)` : "";
  return `Message from ${message.from}${again}${newSession ? NEW_SESSION : ""}\n\n${message.body}${more}`;
}
