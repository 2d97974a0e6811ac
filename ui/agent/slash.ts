/** Commands of an agent's prompt. */
export const SLASH = {
  help: "what can be typed here",
  clear: "empty the screen (the history stays)",
  cancel: "end the running turn",
  compact: "summarise the session to make room",
  model: "<name> · use another model",
  "new-session": "begin a new session with the next turn",
  pause: "let its messages queue",
  resume: "deliver its messages again",
} as const;
export type SlashName = keyof typeof SLASH;

export type Typed =
  | { kind: "message"; body: string }
  | { kind: "command"; name: SlashName; argument: string }
  | { kind: "unknown"; name: string };

/** Parses the typed text. A path such as `/state/notes.md` is a message, and so is a text with a slash inside. */
export function readTyped(text: string): Typed {
  const match = /^\/([a-z-]+)(?:\s+([\s\S]*))?$/.exec(text.trim());
  if (!match) return { kind: "message", body: text.trim() };
  const name = match[1] ?? "";
  if (!Object.hasOwn(SLASH, name)) return { kind: "unknown", name };
  return { kind: "command", name: name as SlashName, argument: (match[2] ?? "").trim() };
}
