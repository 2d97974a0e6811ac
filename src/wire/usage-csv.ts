import type { ChangeUsageRow, UsageFigures, UsageKey } from "./history-operations.ts";

/** A sum of usage with the keys that it was summed by. */
export type UsageCsvRow = UsageFigures & { [K in UsageKey]?: string | undefined };

/** The keys in the order of their columns. Not from the contract, which pages do not load. */
export const USAGE_KEY_LIST = ["day", "agent", "model", "credential"] as const satisfies readonly UsageKey[];
/** US dollars to a millionth, finer than the price of a token: sums of floating-point numbers have a tail. */
const dollars = (cost: number): number => Number(cost.toFixed(6));

const FIGURES: Readonly<Record<string, (row: UsageFigures) => number>> = {
  requests: (row) => row.requests,
  input_tokens: (row) => row.tokens.input,
  output_tokens: (row) => row.tokens.output,
  cache_read_tokens: (row) => row.tokens.cache_read,
  cache_write_tokens: (row) => row.tokens.cache_write,
  cost_usd: (row) => dollars(row.cost_usd),
  unpriced_requests: (row) => row.unpriced,
};

/**
 * A text as one field of CSV (RFC 4180). A spreadsheet takes a text that begins with one of = + - @ for a formula, and
 * the name of a model is text of the upstream: such a text gets a ' in front.
 */
function field(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

/** Sums of usage as CSV with a line of titles: the keys that they were summed by, then the figures. Costs are US dollars. */
export function usageCsv(rows: readonly UsageCsvRow[], by: readonly UsageKey[]): string {
  const keys = USAGE_KEY_LIST.filter((key) => by.includes(key));
  const lines = rows.map((row) => [
    ...keys.map((key) => field(row[key] ?? "")),
    ...Object.values(FIGURES).map((figure) => String(figure(row))),
  ]);
  return csv([[...keys, ...Object.keys(FIGURES)], ...lines]);
}

/** What changes have cost as CSV with a line of titles. */
export function changeCsv(rows: readonly ChangeUsageRow[]): string {
  const lines = rows.map(({ change, repo, agent, title, state, turns, tokens, cost_usd, unpriced }) => [
    String(change),
    ...[repo, agent, title, state].map(field),
    ...[turns, tokens, dollars(cost_usd), unpriced].map(String),
  ]);
  return csv([["change", "repo", "agent", "title", "state", "turns", "tokens", "cost_usd", "unpriced_turns"], ...lines]);
}

const csv = (lines: readonly (readonly string[])[]): string => lines.map((fields) => `${fields.join(",")}\r\n`).join("");
