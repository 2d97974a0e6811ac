/** The name that was probably meant: the nearest within a third of its letters, or undefined. */
export function closest(word: string, names: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Infinity;
  for (const name of names) {
    const far = distance(word.toLowerCase(), name.toLowerCase());
    const most =
      name.startsWith(word) && word.length > 1 ? Infinity : Math.max(1, Math.ceil(Math.max(word.length, name.length) / 3));
    if (far <= most && far < least) {
      best = name;
      least = far;
    }
  }
  return best;
}

/** Verbs that take something away. A suggestion is copied without a second look, so only a slip of the finger means one. */
const DESTRUCTIVE: readonly string[] = [
  "destroy",
  "kill",
  "remove",
  "drop",
  "purge",
  "revoke",
  "stop",
  "shutdown",
  "rollback",
  "logout",
  "gc",
];

/**
 * The verb that was probably meant: nearer than the nearest name has to be. Most wrong letters leave another word (chat is
 * not cost), so a short word has one of them, a longer one a quarter of its letters; a verb that destroys has one slip.
 */
export function closestVerb(word: string, verbs: readonly string[]): string | undefined {
  const meant = closest(word, verbs);
  if (meant === undefined) return undefined;
  const far = distance(word.toLowerCase(), meant.toLowerCase());
  if (DESTRUCTIVE.includes(meant)) return far <= 1 ? meant : undefined;
  const isBeginning = word.length > 1 && meant.startsWith(word);
  return isBeginning || far <= Math.max(1, Math.floor(word.length / 4)) ? meant : undefined;
}

/** Edit distance: insertions, deletions, changes, and swaps of neighbours. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const at = (r: number, c: number): number => rows[r]?.[c] ?? Infinity;
      let least = Math.min(at(i - 1, j) + 1, (row[j - 1] ?? 0) + 1, at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, at(i - 2, j - 2) + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length]?.[b.length] ?? 0;
}
