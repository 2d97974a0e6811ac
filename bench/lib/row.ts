/** One figure of the table. */
export interface Figure {
  /** What is measured, and against what. */
  what: string;
  /** The ratio or the amount. NaN if it could not be measured. */
  value: number;
  unit: "×" | "MB" | "kB" | "ms" | "%" | "";
  /** The target: at most or at least this. Absent for a figure without a target. */
  reach?: { most: number } | { least: number };
  /** The numbers behind it, for people. */
  detail: string;
  /** Why it was not measured on this machine. */
  skipped?: string;
  /** The error of a row that broke. */
  broke?: string;
}

/** The settings of a run. */
export interface BenchOptions {
  /** Fewer slices: an impression, not a verdict. */
  quick: boolean;
  /** Seconds to observe idle agents. */
  idleSeconds: number;
  /** Seconds that the storm on a page lasts. */
  stormSeconds: number;
  /** Rows of history in the rows about size. */
  rows: number;
}

/** A row, or several that share their set-up. One file each in `bench/rows`. */
export interface Row {
  name: string;
  run(options: BenchOptions): Promise<Figure[]>;
}

/** Tolerance for noise. */
const MARGIN = 0.1;

export type Verdict = "reaches" | "margin" | "short" | "record" | "skipped" | "broke";

/** Whether a figure reaches its target; `margin` if it does so only within the tolerance. */
export function verdict({ value, reach, skipped, broke }: Figure): Verdict {
  if (broke !== undefined) return "broke";
  if (skipped !== undefined) return "skipped";
  if (!reach) return "record";
  // A figure that could not be computed reaches no target.
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
