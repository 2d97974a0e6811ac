/** A part of a listing. */
export interface Part<T> {
  rows: T[];
  /** True if there are more rows after these. */
  more: boolean;
}

/**
 * The first rows whose JSON has at most `bytes` bytes together, at most `limit`, and at least one, so that a reader who
 * goes on from the last always gets further. Reads at most one row more.
 */
export function within<T>(rows: Iterable<T>, { limit = Infinity, bytes }: { limit?: number; bytes: number }): Part<T> {
  const taken: T[] = [];
  let left = bytes;
  for (const row of rows) {
    left -= Buffer.byteLength(JSON.stringify(row));
    if (taken.length >= limit || (left < 0 && taken.length > 0)) return { rows: taken, more: true };
    taken.push(row);
  }
  return { rows: taken, more: false };
}

/** The answer of a listing: rows as they are shown, within its limits. Reads at most one row more. */
export function listed<Row, T>(
  rows: Iterable<Row>,
  viewOf: (row: Row) => T,
  limits: { limit?: number; bytes: number },
): { rows: T[]; more?: true } {
  const part = within(views(rows, viewOf), limits);
  return part.more ? { rows: part.rows, more: true } : { rows: part.rows };
}

function* views<Row, T>(rows: Iterable<Row>, viewOf: (row: Row) => T): Iterable<T> {
  for (const row of rows) yield viewOf(row);
}
