/** US dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
}

/** A list price. Some models cost more in a request whose prompt has more than `above` tokens, cached ones included. */
export interface ListPrice extends Price {
  longPrompt?: Price & { above: number };
}

/** A cache write costs a quarter more than input; a cache read a tenth of it unless the model has a price of its own. */
const listed = (input: number, output: number, cacheRead = input / 10): Price => ({
  input,
  output,
  cache_read: cacheRead,
  cache_write: input * 1.25,
});

/**
 * The models that the hive knows, by id, with list prices. A date after the id names the same model; another version is
 * another model, because versions of one family differ in price. Source: Anthropic's pricing page
 * (platform.claude.com, "Pricing") and the models' overviews, November 2026. A price that is not certain is not in the
 * list. `HIVE_PRICES` adds models and overrides prices.
 */
export const LISTED_MODELS: Readonly<Record<string, ListPrice>> = {
  "claude-opus-5-5": listed(4, 20, 0.2),
  "claude-opus-5": listed(5, 25),
  "claude-opus-4-8": listed(5, 25),
  "claude-opus-4-7": listed(5, 25),
  "claude-opus-4-6": listed(5, 25),
  "claude-opus-4-5": listed(5, 25),
  "claude-opus-4-1": listed(15, 75),
  "claude-opus-4": listed(15, 75),
  "claude-sonnet-5-5": listed(2, 10, 0.1),
  "claude-sonnet-5": listed(2, 10),
  "claude-sonnet-4-6": listed(3, 15),
  "claude-sonnet-4-5": listed(3, 15),
  "claude-sonnet-4": listed(3, 15),
  "claude-haiku-5-5": { ...listed(0.1, 0.5), longPrompt: { above: 100_000, ...listed(0.5, 2.5) } },
  "claude-haiku-4-5": listed(1, 5),
  "claude-fable-5-1": listed(10, 50, 0.25),
  "claude-fable-5": listed(10, 50),
  "claude-mythos-5-1": listed(10, 50, 0.25),
  "claude-mythos-5": listed(10, 50),
};

/** The listed model that an id names: the id itself, or one with a date behind it. */
export function listedModel(id: string): string | undefined {
  const base = id.replace(/(?:-\d{8}|-latest)$/, "");
  return Object.hasOwn(LISTED_MODELS, base) ? base : undefined;
}

/** The CLI's aliases, with the model families that each may resolve to. Any other word in a config is a model id. */
export const MODEL_ALIASES: Readonly<Record<string, readonly string[]>> = {
  opus: ["opus"],
  sonnet: ["sonnet"],
  haiku: ["haiku"],
  fable: ["fable"],
  mythos: ["mythos"],
  best: ["opus", "fable", "mythos"],
  opusplan: ["opus", "sonnet"],
};

/** The models that pages offer: aliases first, then ids. */
export const OFFERED_MODELS: readonly string[] = [...Object.keys(MODEL_ALIASES), ...Object.keys(LISTED_MODELS)];
