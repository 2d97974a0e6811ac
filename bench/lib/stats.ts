/** The value below which `share` of the numbers lie, by the nearest rank. NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(sorted.length * share) - 1))] ?? Number.NaN;
}

export const median = (values: readonly number[]): number => percentile(values, 0.5);

/** One thing that is measured: a slice of it gives numbers. */
export type Contender = () => Promise<number[]>;

/**
 * Runs slices of every contender in turn, so that whatever else the machine does meets all of them alike, and in
 * changing order, so that none is always the one after another. Returns the numbers slice by slice.
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

/** The median over the slices of each slice's ratio of percentiles: what one slice suffers from, both sides share. */
export function ratio(above: readonly number[][], below: readonly number[][], share = 0.5): number {
  return median(above.map((slice, at) => percentile(slice, share) / percentile(below[at] ?? [], share)));
}
