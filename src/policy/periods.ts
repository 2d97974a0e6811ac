import type { BudgetKind } from "../wire/budget-kinds.ts";
import type { Day } from "./days.ts";

/** What is counted of a scope in one period. */
export interface Spent {
  costUsd: number;
  /** Tokens of output, and of input that no cache has served. */
  output: number;
  input: number;
  turns: number;
}

export const nothingSpent = (): Spent => ({ costUsd: 0, output: 0, input: 0, turns: 0 });

/** A stretch of time for which usage is counted. A turn ends when the next one begins, not by the clock. */
export interface Period {
  /** Names it in the store. Sorts by time within its kind. */
  label: string;
  /** Milliseconds since the epoch. */
  ends?: number;
}

export type PeriodKind = "day" | "hour" | "turn" | "change";

const HOUR_MS = 3600 * 1000;
/** Digits of the number of an hour since the epoch, so that labels sort. */
const HOUR_DIGITS = 9;

/** The period of a kind that contains a moment. Hours are those of UTC, so that no hour comes twice. */
export function periodAt(kind: PeriodKind, now: number, day: Day): Period {
  if (kind === "day") return { label: `day:${day.date}`, ends: day.ends };
  // A turn begins with its message, and a change with its first push: nothing of the clock ends them.
  if (kind === "turn" || kind === "change") return { label: kind };
  const hour = Math.floor(now / HOUR_MS);
  return { label: `hour:${String(hour).padStart(HOUR_DIGITS, "0")}`, ends: (hour + 1) * HOUR_MS };
}

/** The date of the label of a day; undefined for another period. */
export const dateIn = (label: string): string | undefined => /^day:(.+)$/.exec(label)?.[1];

const COUNTED = {
  cost_per_day_usd: ["day", "costUsd"],
  cost_per_turn_usd: ["turn", "costUsd"],
  output_tokens_per_day: ["day", "output"],
  input_tokens_per_day: ["day", "input"],
  turns_per_hour: ["hour", "turns"],
  cost_per_change_usd: ["change", "costUsd"],
  output_tokens_per_change: ["change", "output"],
  input_tokens_per_change: ["change", "input"],
} as const satisfies Record<Exclude<BudgetKind, "messages_per_minute">, readonly [PeriodKind, keyof Spent]>;

/** A limit that stops an agent. */
export type StoppingKind = keyof typeof COUNTED;

/** The period in which a limit counts, and the figure that it counts. */
export const countedBy = (kind: StoppingKind): readonly [period: PeriodKind, figure: keyof Spent] => COUNTED[kind];

/** True if reaching the limit only keeps the next turn from its begin. The running one goes on. */
export const isOfTurns = (kind: StoppingKind): boolean => COUNTED[kind][1] === "turns";
