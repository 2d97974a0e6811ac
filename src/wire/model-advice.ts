import { listedModel, MODEL_ALIASES, OFFERED_MODELS } from "./models.ts";
import { closest } from "./suggest.ts";

/** What the hive knows about a model's name. */
export interface ModelAdvice {
  isKnown: boolean;
  /** The name that was probably meant. */
  meant?: string;
}

/** Looks a name up in the list and in `others` (id prefixes). Ignores a suffix in brackets, as in `sonnet[1m]`. */
export function modelAdvice(name: string, others: readonly string[] = []): ModelAdvice {
  const base = name.replace(/\[[^\]]*\]$/, "");
  const isListed = Object.hasOwn(MODEL_ALIASES, base) || listedModel(base) !== undefined;
  if (isListed || others.some((prefix) => base.startsWith(prefix))) return { isKnown: true };
  const meant = closest(base, [...OFFERED_MODELS, ...others]);
  return { isKnown: false, ...(meant === undefined ? {} : { meant }) };
}

/**
 * True for a probable typo: a word without digits names a family, and it is close to a known one. An id that is not
 * listed may be newer than the hive, so it is never a typo.
 */
export const isMistypedModel = (name: string, advice: ModelAdvice): boolean =>
  !advice.isKnown && advice.meant !== undefined && /^[a-z]+(?:\[[^\]]*\])?$/.test(name);

/** The words for a model that is not listed. */
export function unlistedModel(name: string, { meant }: ModelAdvice): string {
  return `${name} is not on the list of models that the hive knows${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
