/** One figure of the table. */
export interface Figure {
  /** What was measured against what. */
  what: string;
  /** The ratio or the amount. NaN when it could not be measured. */
  value: number;
  unit: "×" | "MB" | "kB" | "ms" | "%" | "";
  /** What has to be reached: at most, or at least, this. Absent for what is told for the record. */
  reach?: { most: number } | { least: number };
  /** The numbers behind it, for people. */
  detail: string;
  /** Why it was not measured here. */
  skipped?: string;
  /** The row broke: what it said. */
  broke?: string;
}

/** How a run was asked for. */
export interface BenchOptions {
  /** Fewer slices: a look, not a verdict. */
  quick: boolean;
  /** Seconds to look at idle agents. */
  idleSeconds: number;
  /** Seconds that the storm on a page lasts. */
  stormSeconds: number;
  /** Rows of history in the rows about size. */
  rows: number;
}

/** A row, or several that share what they set up. One file each in `bench/rows`. */
export interface Row {
  name: string;
  run(options: BenchOptions): Promise<Figure[]>;
}

/** Noise that a figure is forgiven. */
const MARGIN = 0.1;

export type Verdict = "reaches" | "margin" | "short" | "record" | "skipped" | "broke";

/** Whether a figure reaches what it has to; `margin` says that it does so only thanks to the margin. */
export function verdict({ value, reach, skipped, broke }: Figure): Verdict {
  if (broke !== undefined) return "broke";
  if (skipped !== undefined) return "skipped";
  if (!reach) return "record";
  // What could not be computed reaches nothing.
  if (Number.isNaN(value)) return "short";
  if ("most" in reach) {
    if (value <= reach.most) return "reaches";
    return value <= reach.most * (1 + MARGIN) ? "margin" : "short";
  }
  if (value >= reach.least) return "reaches";
  return value >= reach.least * (1 - MARGIN) ? "margin" : "short";
}

/** Whether a run with these verdicts has failed. */
export const hasFailed = (verdicts: readonly Verdict[]): boolean => verdicts.some((one) => one === "short" || one === "broke");
