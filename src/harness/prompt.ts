import type { LeasedMessage } from "../wire/message.ts";

/** Added to the head of the wake prompt for an agent whose session had to be replaced. */
const NEW_SESSION = " (new session: the earlier one could not be continued. You do not remember it; your files are unchanged)";

/** The heading of what happened in the agent's repositories since its last turn. */
const NEWS = "News of your repositories:";

/**
 * The text that begins a turn: the news of the agent's repositories, the sender with a note for a second attempt or a
 * new session, the body, and how many messages wait. The model reads the other messages with `recv`. The rehearsal model
 * parses this form (src/gateway/anthropic/rehearsal/conversation.ts).
 */
export function wakePrompt(
  message: LeasedMessage,
  unread: number,
  { newSession = false, news = [] }: { newSession?: boolean; news?: readonly string[] | undefined } = {},
): string {
  const again = message.redelivered ? " (redelivered: an earlier attempt did not finish)" : "";
  const more = unread > 0 ? `\n\n(${unread} more pending; call recv for them.)` : "";
  // Before the message, where no sender can write.
  const since = news.length > 0 ? `${NEWS}\n${news.map((line) => `- ${line}`).join("\n")}\n\n` : "";
  return `${since}Message from ${message.from}${again}${newSession ? NEW_SESSION : ""}\n\n${message.body}${more}`;
}
