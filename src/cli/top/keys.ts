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
  k: "up",
  j: "down",
  g: "home",
  G: "end",
};

/** The keys in one read from the terminal, by name or character. Unknown sequences are left out. */
export function keysIn(text: string): string[] {
  const found = text.match(/\u001B(?:\[[0-?]*[ -/]*[@-~]|O[A-Z])|[\s\S]/gu) ?? [];
  return found.flatMap((one) => (one.length > 1 && one.startsWith("\u001B") ? (SEQUENCES[one] ?? []) : (NAMES[one] ?? one)));
}

/** The help of `?`. */
export const KEYS: readonly (readonly [keys: string, words: string])[] = [
  ["↑ ↓ or k j", "select; g and G go to the first and the last"],
  ["Enter", "details of what is selected"],
  ["o", "the address of its page"],
  ["t", "tail of the agent; q returns"],
  ["a", "approve: shows the whole diff, and asks at its end"],
  ["c", "cancel the turn; asks"],
  ["s", "stop the agent; asks"],
  ["S", "start the agent"],
  ["p", "pause or resume the agent"],
  ["Esc", "back"],
  ["q", "quit; in a pane back"],
  ["?", "this list"],
];
