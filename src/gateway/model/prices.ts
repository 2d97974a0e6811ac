import type { TokenCounts } from "../../wire/agent.ts";

/** US dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
}

/** The pattern of a list price: reading a cache costs a tenth of the input, writing one a quarter more. */
const listed = (input: number, output: number): Price => ({ input, output, cache_read: input / 10, cache_write: input * 1.25 });

/**
 * List prices by the beginning of a model's id, the longest that fits. From Anthropic's pricing page
 * (docs.claude.com, "Pricing"); `HIVE_PRICES` puts others in their place.
 */
const LIST: Record<string, Price> = {
  "claude-opus-4-5": listed(5, 25),
  "claude-opus-4-6": listed(5, 25),
  "claude-opus-4-7": listed(5, 25),
  "claude-opus-4-8": listed(5, 25),
  "claude-opus-4": listed(15, 75),
  "claude-sonnet": listed(3, 15),
  "claude-haiku-4": listed(1, 5),
  "claude-haiku-3": listed(0.8, 4),
};

/** What an answer cost, or undefined for a model that is on no list: tokens without cost are better than a guess. */
export function costOf(model: string, tokens: TokenCounts, overrides: Record<string, Price> = {}): number | undefined {
  const table = { ...LIST, ...overrides };
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
