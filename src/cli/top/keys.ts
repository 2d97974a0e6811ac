/** Keys that a terminal sends as escape sequences, by their names here. */
const SEQUENCES: Readonly<Record<string, string>> = {
  "\u001B[A": "up",
  "\u001BOA": "up",
  "\u001B[B": "down",
  "\u001BOB": "down",
  "\u001B[5~": "page up",
  "\u001B[6~": "page down",
  "\u001B[H": "home",
  "\u001BOH": "home",
  "\u001B[1~": "home",
  "\u001B[F": "end",
  "\u001BOF": "end",
  "\u001B[4~": "end",
};
const NAMES: Readonly<Record<string, string>> = {
  "\r": "enter",
  "\n": "enter",
  "\u001B": "escape",
  "\u0003": "quit",
  "\u0004": "quit",
  "\u0008": "backspace",
  "\u007F": "backspace",
  "\u0015": "clear",
};
/** What a terminal puts around a pasted text. */
const [PASTE, PASTE_END] = ["\u001B[200~", "\u001B[201~"];
/** A pasted text that comes in parts is dropped beyond this. Characters. */
const MAX_PASTE_CHARS = 64 * 1024;

/** Reads keys from a terminal, by name or character; a pasted text is one key that begins with `paste:`. */
export class Keys {
  /** The beginning of a pasted text whose end has not come. */
  #begun = "";

  /** The keys in one read. Unknown sequences are left out. */
  read(text: string): string[] {
    const all = this.#begun + text;
    this.#begun = "";
    const found: string[] = [];
    let rest = all;
    for (;;) {
      const at = rest.indexOf(PASTE);
      for (const key of keysIn(at < 0 ? rest : rest.slice(0, at))) found.push(key);
      if (at < 0) return found;
      const end = rest.indexOf(PASTE_END, at);
      if (end < 0) {
        this.#begun = rest.length - at > MAX_PASTE_CHARS ? PASTE : rest.slice(at);
        return found;
      }
      found.push(`paste:${rest.slice(at + PASTE.length, end)}`);
      rest = rest.slice(end + PASTE_END.length);
    }
  }
}

function keysIn(text: string): string[] {
  const found = text.match(/\u001B(?:\[[0-?]*[ -/]*[@-~]|O[A-Z])|[\s\S]/gu) ?? [];
  return found.flatMap((one) => (one.startsWith("\u001B") && one.length > 1 ? (SEQUENCES[one] ?? []) : (NAMES[one] ?? one)));
}

/** The help of `?`. */
export const KEYS: readonly (readonly [keys: string, words: string])[] = [
  ["↑ ↓ or k j", "select; g and G go to the first and the last"],
  ["Enter", "details of what is selected"],
  ["o", "the address of its page"],
  ["t", "tail of the agent; q returns"],
  ["a", "approve a request: shows the whole diff, and asks at its end; answer a question"],
  ["d", "deny a request, with a note"],
  ["c", "cancel the turn; asks"],
  ["s", "stop the agent; asks"],
  ["S", "start the agent"],
  ["p", "pause or resume the agent"],
  ["Esc", "back"],
  ["q", "quit; in a pane back"],
  ["?", "this list"],
];
