/** Characters that a reader of a diff does not see, or that make him see something else. */

type Ranges = readonly (readonly [from: number, to: number])[];

/** They turn the direction of what follows: text is shown in another order than programs read it. */
const BIDI: Ranges = [
  [0x061c, 0x061c],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x2066, 0x2069],
];
/** They show nothing, or a blank that is none. */
const INVISIBLE: Ranges = [
  [0x00ad, 0x00ad],
  [0x034f, 0x034f],
  [0x115f, 0x1160],
  [0x17b4, 0x17b5],
  [0x180b, 0x180f],
  [0x200b, 0x200d],
  [0x2028, 0x2029],
  [0x2060, 0x2065],
  [0x206a, 0x206f],
  [0x2800, 0x2800],
  [0x3164, 0x3164],
  [0xfe00, 0xfe0f],
  [0xfeff, 0xfeff],
  [0xffa0, 0xffa0],
  [0xfff0, 0xfffb],
  [0x1d173, 0x1d17a],
  [0xe0000, 0xe0fff],
];
/** Control characters that no text needs: all but tab and newline, and the carriage return before one. */
const CONTROL: Ranges = [
  [0x00, 0x08],
  [0x0b, 0x0c],
  [0x0e, 0x1f],
  [0x7f, 0x9f],
];

const within = (point: number, ranges: Ranges): boolean => ranges.some(([from, to]) => point >= from && point <= to);

export type Unseen = "bidi" | "invisible" | "control";

/** What kind of unseen character this is; undefined for all that can be seen, blanks, tabs and line ends. */
export function unseenKind(character: string): Unseen | undefined {
  const point = character.codePointAt(0) ?? 0;
  if (within(point, BIDI)) return "bidi";
  if (within(point, INVISIBLE)) return "invisible";
  return within(point, CONTROL) ? "control" : undefined;
}

/** `U+202E`, as people look it up. */
export function codePoint(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
