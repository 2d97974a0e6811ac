import type { RiskMark } from "../wire/approval.ts";
import { codePoint, piecesOf, type Unseen } from "../wire/unseen.ts";

/** Characters that one mark names. */
const MAX_NAMED = 8;

/** The hidden characters of a text by kind, with the number of each code point. */
function unseenIn(text: string): Map<Unseen, Map<string, number>> {
  const found = new Map<Unseen, Map<string, number>>();
  for (const { text: character, unseen: kind } of piecesOf(text)) {
    if (kind === undefined) continue;
    const points = found.get(kind) ?? new Map<string, number>();
    points.set(codePoint(character), (points.get(codePoint(character)) ?? 0) + 1);
    found.set(kind, points);
  }
  return found;
}

/** Marks the hidden characters that a new text has and an old one had less of. Pure. */
export function unseenMarks(old: string, next: string, path: string): RiskMark[] {
  const marks: RiskMark[] = [];
  const before = unseenIn(old);
  for (const [kind, points] of unseenIn(next)) {
    const fresh = [...points].filter(([point, count]) => count > (before.get(kind)?.get(point) ?? 0));
    if (fresh.length === 0) continue;
    const all = fresh.map(([point, count]) => (count === 1 ? point : `${point} × ${count}`));
    const more = all.length > MAX_NAMED ? ` and ${all.length - MAX_NAMED} more` : "";
    const list = all.slice(0, MAX_NAMED).join(", ") + more;
    const words = {
      bidi: `characters that turn the direction of text: ${list}`,
      invisible: `invisible characters: ${list}`,
      control: `control characters: ${list}`,
    }[kind];
    const level = kind === "bidi" ? "danger" : "warn";
    marks.push({ level, kind: kind === "bidi" ? "bidi" : "invisible", text: words, path });
  }
  return marks;
}
