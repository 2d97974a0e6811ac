/** What the campaign takes away from the source, and which rows have to notice it. */

/** One edit of a source file. `from` occurs in it exactly once. */
export interface Edit {
  /** Relative to the checkout. */
  file: string;
  from: string;
  to: string;
}

/** A barrier that stands alone: without it its rows turn open. */
export interface Barrier extends Edit {
  /** Unique and stable, such as `egress-list`. Its first word is the area. */
  name: string;
  /** The barrier, as a phrase. */
  what: string;
  /** Rows that have to turn open. */
  opens: readonly string[];
  /** Rows that have to hold: the hive still works, and its other barriers stand. */
  holds: readonly string[];
}

/** One of several barriers that stand behind each other. */
export interface Layer extends Edit {
  what: string;
}

/** Barriers that stand behind each other: no row is reached before all of them are removed. */
export interface Doubled {
  name: string;
  layers: readonly Layer[];
  opens: readonly string[];
  holds: readonly string[];
}

/** The text of a file after an edit. Throws an error with the name of the barrier if the place is not exactly one. */
export function edited(text: string, name: string, { file, from, to }: Edit): string {
  const parts = text.split(from);
  if (parts.length !== 2)
    throw new Error(`barrier ${name}: this is ${parts.length - 1} times in ${file}, and has to be there once: ${from}`);
  return parts.join(to);
}
