import type { TokenCounts } from "../../wire/agent.ts";
import { LISTED_MODELS, listedModel, type ListPrice, type Price } from "../../wire/models.ts";

/**
 * The cost of an answer in US dollars; undefined for a model without a price: tokens without cost are better than a
 * guess. The operator's own prices (`overrides`, by id prefix, the longest first) come before the list.
 */
export function costOf(model: string, tokens: TokenCounts, overrides: Record<string, Price> = {}): number | undefined {
  const own = Object.keys(overrides)
    .filter((prefix) => model.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  const listed = listedModel(model);
  const price = own !== undefined ? overrides[own] : listed === undefined ? undefined : ratesOf(LISTED_MODELS[listed], tokens);
  if (!price) return undefined;
  const sum =
    tokens.input * price.input +
    tokens.output * price.output +
    tokens.cache_read * price.cache_read +
    tokens.cache_write * price.cache_write;
  return sum / 1_000_000;
}

function ratesOf(price: ListPrice | undefined, { input, cache_read, cache_write }: TokenCounts): Price | undefined {
  const long = price?.longPrompt;
  return long && input + cache_read + cache_write > long.above ? long : price;
}
