/** Parses the recipient of a typed text: `@name` at its beginning, else the current recipient. */
export function addressed(text: string, current: string): { to: string; body: string } {
  const match = /^\s*@(\*|[a-z][a-z0-9-]*)(?:\s+|$)([\s\S]*)$/.exec(text);
  return match ? { to: match[1] ?? current, body: (match[2] ?? "").trim() } : { to: current, body: text.trim() };
}

/** The recipient after a message was sent: a message to everyone does not make everyone the next recipient. */
export function nextRecipient(sentTo: string, last: string): string {
  return sentTo === EVERYONE ? last : sentTo;
}

/** What stands for every agent in the box. */
export const EVERYONE = "*";
