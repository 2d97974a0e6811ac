import { z } from "zod";

/** The end of a text that was cut. */
const CUT = "… (cut)";

/** The text, or its beginning with a mark, in at most `most` characters. Never ends within a surrogate pair. */
export function cut(text: string, most: number): string {
  if (text.length <= most) return text;
  const kept = text.slice(0, most - CUT.length);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}${CUT}`;
}

/**
 * A text that is worth its beginning, such as the words of an error: cut to `most` characters instead of refused, so
 * that what it belongs to is not lost.
 */
export const cutText = (most: number) => z.string().overwrite((text) => cut(text, most));
