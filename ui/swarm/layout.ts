/** The layout of the swarm picture, in which no label covers another. Pure geometry, in the picture's own units. */

export interface Place {
  x: number;
  y: number;
}

/** The size of the picture, and of a node with the name under it. */
export interface Layout {
  width: number;
  height: number;
  /** The agents form a ring around the manager while their names fit there, and rows beyond that. */
  ring: { x: number; y: number } | undefined;
  radius: number;
  /** Letters of a name that fit under a node. 0 if only the initials in the node fit. */
  maxName: number;
  /** Whether there is a note about the state below the name. */
  hasNote: boolean;
}

/** Width of a letter of a name and of smaller text, as in the style sheet. */
const NAME_LETTER = 7.6;
const WORD_LETTER = 6.7;
/** Height of a line of a label. */
const LINE = 14;
/** From the edge of a node to the baseline of its name, and from there to the next line. */
export const NAME_BELOW = 15;
export const NOTE_BELOW = 13;
/** The longest note, such as "rate limited 59m". */
const NOTE_LETTERS = 17;

/** On a desktop: wide, with room for labels at the edges. */
const WIDE = { width: 900, height: 620, ring: { x: 350, y: 225 }, radius: 30, maxName: 16, hasNote: true };
/** On a phone: upright. One unit is about one pixel, so that names are readable. */
const UPRIGHT = { width: 390, height: 540, ring: { x: 136, y: 205 }, radius: 19, maxName: 12, hasNote: true };
/** Maximum agents in the ring around the manager, so that their names fit. */
const IN_RING = { wide: 12, upright: 7 };
/** Height of the first row, with the operator and the manager, above the rows of the others. */
const HEAD = 110;

/** The layout for this many agents, without the manager. */
export function layoutFor(count: number, isNarrow: boolean): Layout {
  const base = isNarrow ? UPRIGHT : WIDE;
  if (count <= (isNarrow ? IN_RING.upright : IN_RING.wide)) return base;
  const { columns, rows } = grid(count, base);
  const cell = { x: base.width / columns, y: (base.height - HEAD) / rows };
  const hasNote = cell.x > NOTE_LETTERS * WORD_LETTER && cell.y > 3 * LINE + 32;
  const letters = Math.min(base.maxName, Math.floor((cell.x - 6) / NAME_LETTER));
  const maxName = letters < 4 || cell.y < 3 * LINE ? 0 : letters;
  const under = maxName === 0 ? 2 : NAME_BELOW + (hasNote ? NOTE_BELOW : 0) + 6;
  const radius = Math.max(4, Math.min(base.radius, (cell.y - under) / 2, cell.x / 3));
  return { ...base, ring: undefined, radius, maxName, hasNote: hasNote && maxName > 0 };
}

function grid(count: number, { width, height }: { width: number; height: number }): { columns: number; rows: number } {
  const columns = Math.ceil(Math.sqrt((count * width) / (height - HEAD) / 1.4));
  return { columns, rows: Math.ceil(count / columns) };
}

/** The place of each node: the operator at the top, the manager in the middle of the ring or next to the operator. */
export function places(names: readonly string[], layout: Layout): Map<string, Place> {
  const { width, height, ring, radius } = layout;
  const found = new Map<string, Place>();
  const others = names.filter((name) => name !== "hm1nd");
  if (ring === undefined) {
    found.set("operator", { x: width / 3, y: 16 + radius });
    if (names.includes("hm1nd")) found.set("hm1nd", { x: (width * 2) / 3, y: 16 + radius });
    const { columns, rows } = grid(others.length, layout);
    const cell = { x: width / columns, y: (height - HEAD) / rows };
    for (const [n, name] of others.entries())
      found.set(name, { x: ((n % columns) + 0.5) * cell.x, y: HEAD + Math.floor(n / columns) * cell.y + radius + 1 });
    return found;
  }
  const middle = { x: width / 2, y: height / 2 + radius / 2 };
  if (names.includes("hm1nd")) found.set("hm1nd", middle);
  found.set("operator", { x: middle.x, y: radius + 16 });
  // The circle is open at the top, where the operator is.
  const gap = Math.PI / 5;
  const span = 2 * Math.PI - 2 * gap;
  for (const [n, name] of others.entries()) {
    const part = others.length === 1 ? 0.5 : n / (others.length - 1);
    const angle = -Math.PI / 2 + gap + span * part;
    found.set(name, { x: middle.x + ring.x * Math.cos(angle), y: middle.y + ring.y * Math.sin(angle) });
  }
  return found;
}

/** Half the width of the initials in a node, with a gap. */
const INITIALS = 9.5;
/** Radius of the badge of a large node, and of a small one whose number has one digit. */
const BADGE = { large: 11, small: 9 };

/** The badge with the number of unread messages of a node: beside the initials, and no higher than the node. */
export interface Badge {
  x: number;
  y: number;
  radius: number;
  /** The greatest number that fits. 0: the badge is a dot. */
  most: number;
}
export function badgeAt(at: Place, { radius, width }: Layout): Badge {
  const isDot = radius < 12;
  const own = isDot ? radius / 3 : radius < 22 ? BADGE.small : BADGE.large;
  const beside = radius < MIN_INITIALS ? 0 : INITIALS;
  const x = at.x + Math.max(radius * 0.8, own + beside);
  return {
    x: Math.min(x, width - own),
    y: at.y - radius + own + 1,
    radius: own,
    most: isDot ? 0 : radius < 22 ? 9 : 99,
  };
}
/** The smallest node with initials. */
export const MIN_INITIALS = 9;

/** The part of a name that is shown in this layout. */
export function shortName(name: string, { maxName }: Layout): string {
  if (maxName === 0) return "";
  return name.length > maxName ? `${name.slice(0, maxName - 1)}…` : name;
}

interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
}
const around = (at: Place, width: number, lines: number): Box => ({
  left: at.x - width / 2,
  right: at.x + width / 2,
  top: at.y - LINE + 3,
  bottom: at.y + 3 + (lines - 1) * LINE,
});
const meet = (a: Box, b: Box): boolean => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** The boxes of a node, of its badge, and of the text under it. */
export function nodeBoxes(name: string, at: Place, layout: Layout): Box[] {
  const { radius, hasNote } = layout;
  const letters = shortName(name, layout).length * NAME_LETTER;
  const width = Math.max(letters, hasNote ? NOTE_LETTERS * WORD_LETTER : 0);
  const node = { left: at.x - radius, right: at.x + radius, top: at.y - radius, bottom: at.y + radius };
  const { x, y, radius: own } = badgeAt(at, layout);
  const badge = { left: x - own, right: x + own, top: y - own, bottom: y + own };
  if (width === 0) return [node, badge];
  return [node, badge, around({ x: at.x, y: at.y + radius + NAME_BELOW }, width, hasNote ? 2 : 1)];
}

/**
 * Selects the edge labels that fit without covering a node or another label, in the given order, so that the newest
 * edge comes first.
 */
export function wordsWithRoom(words: readonly { key: string; at: Place; text: string }[], taken: readonly Box[]): Set<string> {
  const boxes = [...taken];
  const kept = new Set<string>();
  for (const { key, at, text } of words) {
    const box = around(at, text.length * WORD_LETTER, 1);
    if (text === "" || boxes.some((other) => meet(box, other))) continue;
    boxes.push(box);
    kept.add(key);
  }
  return kept;
}

/**
 * Two letters for each name. Names that begin alike get their first letter and the first later one in which they differ:
 * `sr` for scribe and `so` for scout.
 */
export function initialsOf(names: readonly string[]): Map<string, string> {
  const initials = new Map<string, string>();
  for (const name of names) {
    const alike = names.filter((other) => other !== name && other.slice(0, 2) === name.slice(0, 2));
    const own = name.split("").findIndex((letter, at) => at > 1 && alike.every((other) => other[at] !== letter));
    initials.set(name, alike.length === 0 || own < 0 ? name.slice(0, 2) : `${name[0] ?? ""}${name[own] ?? ""}`);
  }
  return initials;
}
