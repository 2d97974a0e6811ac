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
