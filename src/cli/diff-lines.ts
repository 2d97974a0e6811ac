import { diffLines, diffWordsWithSpace } from "diff";
import { visible, type Colour, type Paint } from "./print.ts";

/** Maximum characters of two lines whose words are compared. Longer lines cost more time than the marks are worth. */
const MAX_WORD_DIFF = 2000;
/** Maximum characters of all lines of one diff whose words are compared: at most a second of work for any content. */
const MAX_COMPARED = 100_000;
/** Maximum edits in the comparison of two lines by word. The time grows with the square of the edits. */
const MAX_WORD_EDITS = 400;
/** Maximum edits in the comparison of an edit's lines: below a second of work. */
const MAX_LINE_EDITS = 1_000;

type Kind = "added" | "removed" | "same";
interface Line {
  kind: Kind;
  text: string;
}

const SIGN: Record<Kind, string> = { added: "+", removed: "-", same: " " };
const COLOUR: Record<Kind, Colour | undefined> = { added: "green", removed: "red", same: undefined };

/** The hunks of a unified diff for the terminal: changed words are marked, hidden characters are visible. */
export function patchLines(patch: string, paint: Paint): string[] {
  const diff = new Painted(paint);
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    const sign = line[0];
    if (sign === "+" || sign === "-") diff.change({ kind: sign === "+" ? "added" : "removed", text: line.slice(1) });
    else if (sign === "@") diff.line(paint("cyan", visible(line)));
    else if (sign === "\\") diff.line(paint("dim", visible(line)));
    else diff.line(painted("same", line.slice(1), paint));
  }
  return diff.lines();
}

/** An edit as the lines of a diff. If too much differs: all old lines, then all new lines. */
export function editLines(before: string, after: string, paint: Paint): string[] {
  const diff = new Painted(paint);
  const changes = diffLines(before, after, { maxEditLength: MAX_LINE_EDITS }) ?? [
    { value: before, removed: true, added: false },
    { value: after, removed: false, added: true },
  ];
  for (const { value, added, removed } of changes) {
    for (const text of value === "" ? [] : value.replace(/\n$/, "").split("\n")) {
      if (added || removed) diff.change({ kind: added ? "added" : "removed", text });
      else diff.line(painted("same", text, paint));
    }
  }
  return diff.lines();
}

/** Collects the lines of a diff. A run of changed lines is buffered until it ends, because its words are compared. */
class Painted {
  readonly #paint: Paint;
  readonly #shown: string[] = [];
  #removed: string[] = [];
  #added: string[] = [];
  #run: Line[] = [];
  #mayCompare = MAX_COMPARED;

  constructor(paint: Paint) {
    this.#paint = paint;
  }

  change(line: Line): void {
    this.#run.push(line);
    (line.kind === "removed" ? this.#removed : this.#added).push(line.text);
  }

  line(text: string): void {
    this.#flush();
    this.#shown.push(text);
  }

  lines(): string[] {
    this.#flush();
    return this.#shown;
  }

  /** Ends a run of changed lines. If as many lines were added as removed, marks the words that differ, line by line. */
  #flush(): void {
    const [removed, added] = [this.#removed, this.#added];
    // The comparison only serves colours, so skip it without them.
    const isCompared = removed.length === added.length && this.#paint("bold", "x") !== "x";
    const at = { removed: 0, added: 0, same: 0 };
    for (const { kind, text } of this.#run) {
      const other = isCompared ? (kind === "removed" ? added : removed)[at[kind]++] : undefined;
      this.#shown.push(painted(kind, text, this.#paint, this.#comparable(text, other)));
    }
    [this.#run, this.#removed, this.#added] = [[], [], []];
  }

  #comparable(text: string, other: string | undefined): string | undefined {
    const size = text.length + (other?.length ?? 0);
    if (!text || !other || size > MAX_WORD_DIFF || size > this.#mayCompare) return undefined;
    this.#mayCompare -= size;
    return other;
  }
}

function painted(kind: Kind, text: string, paint: Paint, other?: string): string {
  const colour = COLOUR[kind];
  const draw = (piece: string, isChanged: boolean): string => {
    const colours = [...(colour === undefined ? [] : [colour]), ...(isChanged ? (["bold", "inverse"] as const) : [])];
    if (visible(piece) === piece) return colours.length > 0 ? paint(colours, piece) : piece;
    // `visible` marks hidden characters itself, so paint the text around them in pieces.
    return visible(piece, (shown) => `\u0000${shown}\u0000`)
      .split("\u0000")
      .map((part, at) => (at % 2 === 1 ? paint(["red", "inverse"], part) : colours.length > 0 ? paint(colours, part) : part))
      .join("");
  };
  let line = draw(SIGN[kind], false);
  for (const piece of wordsOf(text, other)) line += draw(piece.text, piece.isChanged);
  return line;
}

/** Splits `text` into words and marks those that `other` lacks. Marks none if nearly all of them differ. */
function wordsOf(text: string, other: string | undefined): { text: string; isChanged: boolean }[] {
  const whole = [{ text, isChanged: false }];
  const parts = other === undefined ? undefined : diffWordsWithSpace(other, text, { maxEditLength: MAX_WORD_EDITS });
  if (parts === undefined) return whole;
  const same = parts.filter((part) => !part.added && !part.removed).reduce((sum, part) => sum + part.value.trim().length, 0);
  if (same * 4 < text.length) return whole;
  return parts.filter((part) => !part.removed).map((part) => ({ text: part.value, isChanged: part.added }));
}
