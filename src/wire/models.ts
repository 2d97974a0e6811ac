/** US dollars per million tokens. */
export interface Price {
  input: number;
  output: number;
  cache_read: number;
  cache_write: number;
}

/** Anthropic's usual ratios: a cache read costs a tenth of the input price, a cache write a quarter more than it. */
const listed = (input: number, output: number): Price => ({ input, output, cache_read: input / 10, cache_write: input * 1.25 });

/**
 * The models that the hive knows, by id prefix, with list prices. The longest matching prefix applies. Source:
 * Anthropic's pricing page (docs.claude.com, "Pricing"). `HIVE_PRICES` adds models and overrides prices.
 */
export const LISTED_MODELS: Readonly<Record<string, Price>> = {
  "claude-opus-4-5": listed(5, 25),
  "claude-opus-4-6": listed(5, 25),
  "claude-opus-4-7": listed(5, 25),
  "claude-opus-4-8": listed(5, 25),
  "claude-opus-4": listed(15, 75),
  "claude-sonnet": listed(3, 15),
  "claude-haiku-4": listed(1, 5),
  "claude-haiku-3": listed(0.8, 4),
};

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
export const OFFERED_MODELS: readonly string[] = [
  ...Object.keys(MODEL_ALIASES),
  ...Object.keys(LISTED_MODELS).filter((id) => /\d/.test(id)),
];
