import { OFFERED_MODELS } from "../../src/wire/models.ts";
import type { Suggestion } from "../kit/compose.tsx";

/** Commands of the boxes that write to an agent. */
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
/** Commands that concern the agent's page alone. */
export type PageCommand = "help" | "clear";

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

/** Suggestions for a typed command, or for the model of `/model`. `without` are commands that the box does not have. */
export function suggestCommands(text: string, without: readonly SlashName[] = []): Suggestion[] {
  const model = /^\/model (\S*)$/.exec(text)?.[1];
  if (model !== undefined && !OFFERED_MODELS.includes(model))
    return OFFERED_MODELS.filter((one) => one.startsWith(model)).map((one) => ({ text: `/model ${one}`, label: one, hint: "" }));
  const typed = /^\/([a-z-]*)$/.exec(text)?.[1];
  if (typed === undefined) return [];
  return (Object.keys(SLASH) as SlashName[])
    .filter((one) => one.startsWith(typed) && !without.includes(one))
    .map((one) => ({ text: one === "model" ? "/model " : `/${one}`, label: `/${one}`, hint: SLASH[one] }));
}
