import { diffLines, diffWordsWithSpace } from "diff";
import { visible, type Colour, type Paint } from "./print.ts";

/** Characters past which the words of two lines are not compared: that would cost more than it shows. */
const MAX_WORD_DIFF = 2000;

type Kind = "added" | "removed" | "same";
interface Line {
  kind: Kind;
  text: string;
}

const SIGN: Record<Kind, string> = { added: "+", removed: "-", same: " " };
const COLOUR: Record<Kind, Colour | undefined> = { added: "green", removed: "red", same: undefined };

/** The hunks of a unified diff as a terminal shows them: changed words marked, hidden characters shown. */
export function patchLines(patch: string, paint: Paint): string[] {
  const shown: string[] = [];
  let block: Line[] = [];
  const flush = (): void => {
    shown.push(...changed(block, paint));
    block = [];
  };
  for (const line of patch.replace(/\n$/, "").split("\n")) {
    const sign = line[0];
    if (sign === "+" || sign === "-") block.push({ kind: sign === "+" ? "added" : "removed", text: line.slice(1) });
    else {
      flush();
      if (sign === "@") shown.push(paint("cyan", visible(line)));
      else if (sign === "\\") shown.push(paint("dim", visible(line)));
      else shown.push(painted("same", line.slice(1), paint));
    }
  }
  flush();
  return shown;
}

/** What an edit changed, as lines of a diff. */
export function editLines(before: string, after: string, paint: Paint): string[] {
  const shown: string[] = [];
  let block: Line[] = [];
  for (const change of diffLines(before, after)) {
    const texts = change.value.replace(/\n$/, "").split("\n");
    if (!change.added && !change.removed) {
      shown.push(...changed(block, paint), ...texts.map((text) => painted("same", text, paint)));
      block = [];
    } else block.push(...texts.map((text) => ({ kind: change.added ? ("added" as const) : ("removed" as const), text })));
  }
  return [...shown, ...changed(block, paint)];
}

/** A run of changed lines. Where as many came as went, line by line the words that differ are marked. */
function changed(lines: Line[], paint: Paint): string[] {
  const removed = lines.filter((line) => line.kind === "removed");
  const added = lines.filter((line) => line.kind === "added");
  // Words are compared to be painted: without colours that would only cost time.
  const isPainted = paint("bold", "x") !== "x";
  const twin = (line: Line): string | undefined => {
    if (!isPainted || removed.length !== added.length) return undefined;
    const [own, other] = line.kind === "removed" ? [removed, added] : [added, removed];
    return other[own.indexOf(line)]?.text;
  };
  return lines.map((line) => painted(line.kind, line.text, paint, twin(line)));
}

function painted(kind: Kind, text: string, paint: Paint, other?: string): string {
  const colour = COLOUR[kind];
  const draw = (piece: string, isChanged: boolean): string => {
    const colours = [...(colour === undefined ? [] : [colour]), ...(isChanged ? (["bold", "inverse"] as const) : [])];
    // What hides is marked by itself, so the text around it is painted piece by piece.
    return visible(piece, (shown) => `\u0000${shown}\u0000`)
      .split("\u0000")
      .map((part, at) => (at % 2 === 1 ? paint(["red", "inverse"], part) : colours.length > 0 ? paint(colours, part) : part))
      .join("");
  };
  return (
    draw(SIGN[kind], false) +
    wordsOf(text, other)
      .map((piece) => draw(piece.text, piece.isChanged))
      .join("")
  );
}

/** The pieces of `text`; marked are those that `other` does not have. Nothing is marked when nearly all differs. */
function wordsOf(text: string, other: string | undefined): { text: string; isChanged: boolean }[] {
  const whole = [{ text, isChanged: false }];
  if (other === undefined || text.length + other.length > MAX_WORD_DIFF) return whole;
  const parts = diffWordsWithSpace(other, text);
  const same = parts.filter((part) => !part.added && !part.removed).reduce((sum, part) => sum + part.value.trim().length, 0);
  if (same * 4 < text.length) return whole;
  return parts.filter((part) => !part.removed).map((part) => ({ text: part.value, isChanged: part.added }));
}
