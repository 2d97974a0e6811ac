import { diffLines, diffWordsWithSpace } from "diff";
import { visible, type Colour, type Paint } from "./print.ts";

/** Characters past which the words of two lines are not compared: that would cost more than it shows. */
const MAX_WORD_DIFF = 2000;
/** Characters of all lines of one diff whose words are compared: a second of work at most, whatever they hold. */
const MAX_COMPARED = 100_000;
/** Changes past which two lines are not compared word by word any further: the time grows with their square. */
const MAX_WORD_EDITS = 400;
/** The same for the lines of an edit: up to here it takes less than a second. */
const MAX_LINE_EDITS = 1_000;

type Kind = "added" | "removed" | "same";
interface Line {
  kind: Kind;
  text: string;
}

const SIGN: Record<Kind, string> = { added: "+", removed: "-", same: " " };
const COLOUR: Record<Kind, Colour | undefined> = { added: "green", removed: "red", same: undefined };

/** The hunks of a unified diff as a terminal shows them: changed words marked, hidden characters shown. */
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

/** What an edit changed, as lines of a diff. Where too much differs, all that was and all that is. */
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

/** Lines of a diff as they come: runs of changed ones are kept until they end, because their words are compared. */
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

  /** A run of changed lines. Where as many came as went, line by line the words that differ are marked. */
  #flush(): void {
    const [removed, added] = [this.#removed, this.#added];
    // Words are compared to be painted: without colours that would only cost time.
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
    // What hides is marked by itself, so the text around it is painted piece by piece.
    return visible(piece, (shown) => `\u0000${shown}\u0000`)
      .split("\u0000")
      .map((part, at) => (at % 2 === 1 ? paint(["red", "inverse"], part) : colours.length > 0 ? paint(colours, part) : part))
      .join("");
  };
  let line = draw(SIGN[kind], false);
  for (const piece of wordsOf(text, other)) line += draw(piece.text, piece.isChanged);
  return line;
}

/** The pieces of `text`; marked are those that `other` does not have. Nothing is marked when nearly all differs. */
function wordsOf(text: string, other: string | undefined): { text: string; isChanged: boolean }[] {
  const whole = [{ text, isChanged: false }];
  const parts = other === undefined ? undefined : diffWordsWithSpace(other, text, { maxEditLength: MAX_WORD_EDITS });
  if (parts === undefined) return whole;
  const same = parts.filter((part) => !part.added && !part.removed).reduce((sum, part) => sum + part.value.trim().length, 0);
  if (same * 4 < text.length) return whole;
  return parts.filter((part) => !part.removed).map((part) => ({ text: part.value, isChanged: part.added }));
}
