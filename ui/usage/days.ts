import type { UsageFigures, UsageSumRow } from "../../src/wire/history-operations.ts";

const DAY_MS = 86_400_000;
const NOTHING: UsageFigures = {
  requests: 0,
  tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
  cost_usd: 0,
  unpriced: 0,
};

/** A day of the chart. */
export type Day = UsageFigures & { day: string };

/** Every day of a period, oldest first: days without usage have zeros. */
export function everyDay(since: string, until: string, rows: readonly UsageSumRow[]): Day[] {
  const known = new Map(rows.map((row) => [row.day, row]));
  const days: Day[] = [];
  for (let at = Date.parse(since); at <= Date.parse(until); at += DAY_MS) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push({ ...(known.get(day) ?? NOTHING), day });
  }
  return days;
}

/** All tokens of a sum. */
export const tokensOf = ({ tokens }: UsageFigures): number =>
  tokens.input + tokens.output + tokens.cache_read + tokens.cache_write;
