import { BUDGET_RANGES, isCost, type BudgetKind } from "./budget-kinds.ts";

/** What operators type as the amount of a limit. The interface imports this file, so it has no schema. */

const THOUSANDS: Readonly<Record<string, number>> = { k: 1_000, K: 1_000, M: 1_000_000 };

/** Whole thousands with or without signs between them, a point before parts, and a unit. `0,50` could mean two things. */
const AMOUNT = /^\$?(?=[.\d])(\d{1,3}(?:[,_]\d{3})+|\d*)(\.\d+)?([kKM]?)$/;

/** Parses an amount: `5`, `$0.50`, `200,000`, `200k`, `1.5M`. Undefined for anything else, and for what is not above 0. */
export function parseAmount(text: string): number | undefined {
  const [, whole = "", part = "", unit = ""] = AMOUNT.exec(text) ?? [];
  const figure = Number(`${whole.replaceAll(/[,_]/g, "")}${part}`);
  const thousands = THOUSANDS[unit];
  // Of 4.1 million nothing is left behind the point.
  const value = thousands === undefined ? figure : Math.round(figure * thousands * 1e6) / 1e6;
  return value > 0 ? value : undefined;
}

/** Parses the amount of a limit. Undefined if it is none, or outside of the range of this limit. */
export function parseLimit(kind: BudgetKind, text: string): number | undefined {
  const value = parseAmount(text);
  const [least, most] = BUDGET_RANGES[kind];
  const fits = value !== undefined && value >= least && value <= most && (isCost(kind) || Number.isSafeInteger(value));
  return fits ? value : undefined;
}

/** What `parseLimit` takes, in words: `a whole number from 1 to 1,000,000, such as 5 or 200k`. */
export function limitWords(kind: BudgetKind): string {
  const [least, most] = BUDGET_RANGES[kind];
  const what = isCost(kind) ? "an amount in US dollars" : "a whole number";
  return `${what} from ${least} to ${most.toLocaleString("en-US")}, such as 5${isCost(kind) ? "" : " or 200k"}`;
}
