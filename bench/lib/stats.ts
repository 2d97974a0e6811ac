/** The value below which `share` of the numbers are, by the nearest rank. NaN for an empty list. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** A contender: running a slice of it returns numbers. */
export type Contender = () => Promise<number[]>;

/**
 * Runs slices of all contenders in turn, so that other load on the machine affects all of them alike. The order
 * changes, so that no contender always follows the same one. Returns the numbers by slice.
 */
export async function interleave<K extends string>(
  contenders: Record<K, Contender>,
  slices: number,
): Promise<Record<K, number[][]>> {
  const names = Object.keys(contenders) as K[];
  const seen = Object.fromEntries(names.map((name) => [name, [] as number[][]])) as Record<K, number[][]>;
  // One round that does not count: caches, compilers and files warm up.
  for (const name of names) await contenders[name]();
  for (let slice = 0; slice < slices; slice++) {
    const order = slice % 2 === 0 ? names : [...names].reverse();
    for (const name of order) seen[name].push(await contenders[name]());
  }
  return seen;
}

/** The median over all slices of a slice's ratio of percentiles. A disturbance of one slice affects both sides. */
export function ratio(above: readonly number[][], below: readonly number[][], share = 0.5): number {
  return median(above.map((slice, at) => percentile(slice, share) / percentile(below[at] ?? [], share)));
}
