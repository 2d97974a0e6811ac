import { fit, width, type Colour, type Paint } from "../print.ts";

/** The size and colours of the screen. */
export interface Screen {
  rows: number;
  columns: number;
  now: number;
  paint: Paint;
}

type Span = readonly [Colour | readonly Colour[] | undefined, string];

/** A line of painted spans, cut to the screen with a …. */
export function line(spans: readonly Span[], { columns, paint }: Pick<Screen, "columns" | "paint">): string {
  const whole = spans.reduce((sum, [, words]) => sum + width(words), 0);
  let left = whole <= columns ? columns : columns - 1;
  let text = "";
  for (const [colour, words] of spans) {
    const isCut = width(words) > left;
    const shown = isCut ? fit(words, left + 1) : words;
    left -= width(shown);
    text += colour === undefined ? shown : paint(colour, shown);
    if (isCut) break;
  }
  return text;
}

/** Fills the screen: exactly as many lines as it has rows, the last of them the foot. */
export function filled(lines: readonly string[], foot: string, { rows }: Screen): string[] {
  const above = lines.slice(0, Math.max(0, rows - 1));
  return [...above, ...Array.from({ length: Math.max(0, rows - 1 - above.length) }, () => ""), foot];
}

/** The window of a list that contains the wanted row and fits the room. */
export function windowAt<Row>(rows: readonly Row[], wanted: number, room: number): { shown: Row[]; skip: number } {
  const most = Math.max(0, rows.length - room);
  const skip = Math.min(most, Math.max(0, wanted - Math.floor(room / 2)));
  return { shown: rows.slice(skip, skip + room), skip };
}
