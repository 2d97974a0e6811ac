import type { UsageFigures, UsageRow } from "../../src/wire/history-operations.ts";

/** Groups rows, newest day first, by day with a sum. */
export function daysOf(rows: readonly UsageRow[]): { day: string; rows: UsageRow[]; sum: UsageFigures }[] {
  const days = new Map<string, UsageRow[]>();
  for (const row of rows) days.set(row.day, [...(days.get(row.day) ?? []), row]);
  return [...days].map(([day, ofDay]) => ({ day, rows: ofDay, sum: sumOf(ofDay) }));
}

function sumOf(rows: readonly UsageFigures[]): UsageFigures {
  const add = (of: (row: UsageFigures) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  return {
    requests: add((row) => row.requests),
    tokens: {
      input: add((row) => row.tokens.input),
      output: add((row) => row.tokens.output),
      cache_read: add((row) => row.tokens.cache_read),
      cache_write: add((row) => row.tokens.cache_write),
    },
    cost_usd: add((row) => row.cost_usd),
    unpriced: add((row) => row.unpriced),
  };
}
