/** What can be limited. The interface imports this file, so it has no schema. */
export const BUDGET_KINDS = [
  "cost_per_day_usd",
  "cost_per_turn_usd",
  "output_tokens_per_day",
  "input_tokens_per_day",
  "turns_per_hour",
  "messages_per_minute",
  "cost_per_change_usd",
  "output_tokens_per_change",
  "input_tokens_per_change",
] as const;
export type BudgetKind = (typeof BUDGET_KINDS)[number];

/** The kinds that stop an agent until its operator decides or their period ends. The others refuse single calls. */
export const STOPPING_KINDS = BUDGET_KINDS.filter((kind) => kind !== "messages_per_minute");

/** The kinds that a budget of the whole hive, or of a credential, can have: sums of agents. */
export const HIVE_KINDS = ["cost_per_day_usd", "output_tokens_per_day", "input_tokens_per_day", "turns_per_hour"] as const;

/** The kinds that a budget of a change can have: sums from the first push of its branch to its end. */
export const CHANGE_KINDS = ["cost_per_change_usd", "output_tokens_per_change", "input_tokens_per_change"] as const;

/** True for a limit of each change of an agent, and not of the agent itself. */
export const isOfChange = (kind: BudgetKind): boolean => kind.includes("_per_change");

/** True for a limit in US dollars. It needs the price of each model. */
export const isCost = (kind: BudgetKind): boolean => kind.endsWith("_usd");

/** Least and most of each limit. Above the most, the number is a typo. */
export const BUDGET_RANGES: Readonly<Record<BudgetKind, readonly [least: number, most: number]>> = {
  cost_per_day_usd: [0.01, 1_000_000],
  cost_per_turn_usd: [0.01, 1_000_000],
  output_tokens_per_day: [1, 1_000_000_000_000],
  input_tokens_per_day: [1, 1_000_000_000_000],
  turns_per_hour: [1, 1_000_000],
  messages_per_minute: [1, 1_000_000],
  cost_per_change_usd: [0.01, 1_000_000],
  output_tokens_per_change: [1, 1_000_000_000_000],
  input_tokens_per_change: [1, 1_000_000_000_000],
};

const UNITS: Readonly<Record<BudgetKind, readonly [unit: string, per: string]>> = {
  cost_per_day_usd: ["", "a day"],
  cost_per_turn_usd: ["", "a turn"],
  output_tokens_per_day: [" output tokens", "a day"],
  input_tokens_per_day: [" uncached input tokens", "a day"],
  turns_per_hour: [" turns", "an hour"],
  messages_per_minute: [" messages", "a minute"],
  cost_per_change_usd: ["", "a change"],
  output_tokens_per_change: [" output tokens", "a change"],
  input_tokens_per_change: [" uncached input tokens", "a change"],
};

/** `$5.00`, `200,000 output tokens`, `12 turns`. */
export function budgetAmount(kind: BudgetKind, amount: number): string {
  if (isCost(kind)) return `$${amount.toFixed(2)}`;
  const unit = UNITS[kind][0];
  return `${Math.round(amount).toLocaleString("en-US")}${Math.round(amount) === 1 ? unit.replace(/s$/, "") : unit}`;
}

/** `$5.00 a day`, `12 turns an hour`. */
export const budgetLimit = (kind: BudgetKind, limit: number): string => `${budgetAmount(kind, limit)} ${UNITS[kind][1]}`;

/** The most that a raise gives at once, unless the operator says how much: $5, or half of the limit. */
export const usualRaise = (kind: BudgetKind, limit: number): number =>
  isCost(kind) ? RAISE_USD : Math.max(1, Math.ceil(limit / 2));
const RAISE_USD = 5;

/** A smaller raise that fits a limit of less: as much as the limit again, in whole cents. Undefined if `usual` fits. */
export const fittingRaise = (kind: BudgetKind, limit: number, usual: number): number | undefined =>
  isCost(kind) && limit < usual ? Math.max(1, Math.round(limit * 100)) / 100 : undefined;
