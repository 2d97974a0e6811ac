import type { LeasedMessage } from "../wire/message.ts";

/**
 * The text that a turn begins with: sender, body, how many more wait, a note when it is a second attempt. Nothing
 * else: the model takes the rest with `recv`. The rehearsal model reads this form (src/gateway/rehearsal/wake.ts).
 */
export function wakePrompt(message: LeasedMessage, unread: number): string {
  const again = message.redelivered ? " (redelivered: an earlier attempt did not finish)" : "";
  const more = unread > 0 ? `\n\n(${unread} more pending; call recv for them.)` : "";
  return `Message from ${message.from}${again}\n\n${message.body}${more}`;
}
