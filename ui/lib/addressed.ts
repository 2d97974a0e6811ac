/** Parses the recipient of a typed text: `@name` at its beginning, else the current recipient. */
export function addressed(text: string, current: string): { to: string; body: string } {
  const match = /^\s*@(\*|[a-z][a-z0-9-]*)(?:\s+|$)([\s\S]*)$/.exec(text);
  return match ? { to: match[1] ?? current, body: (match[2] ?? "").trim() } : { to: current, body: text.trim() };
}
