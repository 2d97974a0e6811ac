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
 * The models that the hive knows, by the beginning of their ids, with list prices; the longest that fits counts. From
 * Anthropic's pricing page (docs.claude.com, "Pricing"); `HIVE_PRICES` adds others and puts other prices in their place.
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

/** The CLI's aliases, and the families of models that each stands for. Any other word in a config is the id of one model. */
export const MODEL_ALIASES: Readonly<Record<string, readonly string[]>> = {
  opus: ["opus"],
  sonnet: ["sonnet"],
  haiku: ["haiku"],
  fable: ["fable"],
  mythos: ["mythos"],
  best: ["opus", "fable", "mythos"],
  opusplan: ["opus", "sonnet"],
};

/** What a list of models offers: aliases first, then ids. */
export const OFFERED_MODELS: readonly string[] = [
  ...Object.keys(MODEL_ALIASES),
  ...Object.keys(LISTED_MODELS).filter((id) => /\d/.test(id)),
];
