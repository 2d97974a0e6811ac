/**
 * The rows of a query, read one by one until their text passes `chars`. Undefined if there is more text than that: at
 * most one row over it was read.
 */
export function rowsWithin<Row>(rows: Iterable<Row>, chars: number, charsOf: (row: Row) => number): Row[] | undefined {
  const taken: Row[] = [];
  let left = chars;
  for (const row of rows) {
    left -= charsOf(row);
    if (left < 0) return undefined;
    taken.push(row);
  }
  return taken;
}
