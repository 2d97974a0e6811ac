import type { TokenCounts } from "../../wire/agent.ts";
import { LISTED_MODELS, type Price } from "../../wire/models.ts";

/** The cost of an answer; undefined for a model without a price: tokens without cost are better than a guess. */
export function costOf(model: string, tokens: TokenCounts, overrides: Record<string, Price> = {}): number | undefined {
  const table = { ...LISTED_MODELS, ...overrides };
  const key = Object.keys(table)
    .filter((prefix) => model.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  const price = key === undefined ? undefined : table[key];
  if (!price) return undefined;
  const sum =
    tokens.input * price.input +
    tokens.output * price.output +
    tokens.cache_read * price.cache_read +
    tokens.cache_write * price.cache_write;
  return sum / 1_000_000;
}
