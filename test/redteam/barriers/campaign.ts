import { definitions } from "../suite.ts";
import type { Barrier, Doubled, Edit } from "./barrier.ts";
import { Copy, type SeenRow } from "./copy.ts";
import { isReached, missing, openedOf, rowsOf, whyNot, type Verdict } from "./verdict.ts";

/** Removes barriers from a copy of the checkout, each alone, and carries out the rows that have to notice it. */

type Expected = Pick<Barrier, "name" | "opens" | "holds">;
type Removal = (copy: Copy) => Promise<Verdict>;

const cageRows = new Set(
  definitions.flatMap(({ id, from }) => (["agent", "manager", "flood", "login"].includes(from) ? [id] : [])),
);
const isInCage = (expected: Expected): boolean => rowsOf(expected).some((id) => cageRows.has(id));

/**
 * Two hives at a time, because each mostly waits for its cages: one is attacked from the inside, one from the outside.
 * `report` gets each verdict at once. The verdicts have the order of the lists.
 */
export async function removeBarriers(
  { barriers, doubled }: { barriers: readonly Barrier[]; doubled: readonly Doubled[] },
  report: (verdict: Verdict) => void,
): Promise<Verdict[]> {
  const all: (readonly [Expected, Removal])[] = [
    ...barriers.map((one) => [one, (copy: Copy) => removeOne(copy, one)] as const),
    ...doubled.map((one) => [one, (copy: Copy) => removeLayers(copy, one)] as const),
  ];
  const verdicts = new Map<string, Verdict>();
  const carryOut = async (lane: typeof all): Promise<void> => {
    if (lane.length === 0) return;
    const copy = await Copy.make(process.cwd());
    try {
      for (const [{ name }, remove] of lane) {
        const verdict = await remove(copy);
        verdicts.set(name, verdict);
        report(verdict);
      }
    } finally {
      await copy.remove();
    }
  };
  await Promise.all([
    carryOut(all.filter(([expected]) => isInCage(expected))),
    carryOut(all.filter(([expected]) => !isInCage(expected))),
  ]);
  return all.flatMap(([{ name }]) => verdicts.get(name) ?? []);
}

async function rowsWithout(copy: Copy, expected: Expected, edits: readonly Edit[]): Promise<SeenRow[]> {
  await copy.build(expected.name, edits);
  return copy.run(rowsOf(expected));
}

async function removeOne(copy: Copy, barrier: Barrier): Promise<Verdict> {
  const { name, what } = barrier;
  try {
    const seen = await rowsWithout(copy, barrier, [barrier]);
    const absent = missing(barrier, seen);
    if (absent.length > 0) return { kind: "left out", name, what, opened: [], why: leftOut(absent) };
    const why = whyNot(barrier, seen);
    const opened = openedOf(seen);
    return why === undefined ? { kind: "noticed", name, what, opened } : { kind: "not noticed", name, what, opened, why };
  } catch (error) {
    return { kind: "not noticed", name, what, opened: [], why: String(error) };
  }
}

/** Removes each layer alone, which has to reach nothing, and then all of them. */
async function removeLayers(copy: Copy, doubled: Doubled): Promise<Verdict> {
  const { name, layers } = doubled;
  const what = layers.map((layer) => layer.what).join("; ");
  const failed = (why: string): Verdict => ({ kind: "not noticed", name, what, opened: [], why });
  try {
    for (const layer of layers) {
      const seen = await rowsWithout(copy, doubled, [layer]);
      const absent = missing(doubled, seen);
      if (absent.length > 0) return { kind: "left out", name, what, opened: [], why: leftOut(absent) };
      const reached = seen.filter(isReached).map(({ id }) => id);
      if (reached.length > 0) return failed(`not doubled: without ${layer.what}, ${reached.join(", ")} is reached`);
    }
    const seen = await rowsWithout(copy, doubled, layers);
    const why = whyNot(doubled, seen);
    return why === undefined ? { kind: "doubled", name, what, opened: openedOf(seen) } : failed(why);
  } catch (error) {
    return failed(String(error));
  }
}

const leftOut = (rows: readonly string[]): string => `this host cannot carry out ${rows.join(", ")}`;
