import { LISTED_MODELS, MODEL_ALIASES, OFFERED_MODELS } from "./models.ts";
import { closest } from "./suggest.ts";

/** What is known of a model's name. */
export interface ModelAdvice {
  isKnown: boolean;
  /** The name that was probably meant. */
  meant?: string;
}

/** Looks a name up in the list and in `others` (prefixes of ids). A suffix in brackets, `sonnet[1m]`, is not looked at. */
export function modelAdvice(name: string, others: readonly string[] = []): ModelAdvice {
  const base = name.replace(/\[[^\]]*\]$/, "");
  const prefixes = [...Object.keys(LISTED_MODELS), ...others];
  if (Object.hasOwn(MODEL_ALIASES, base) || prefixes.some((prefix) => base.startsWith(prefix))) return { isKnown: true };
  const meant = closest(base, [...OFFERED_MODELS, ...others]);
  return { isKnown: false, ...(meant === undefined ? {} : { meant }) };
}

/**
 * A word without digits names a family: close to a known one it is a slip of the keys. An id that is on no list may be
 * newer than the hive.
 */
export const isMistypedModel = (name: string, advice: ModelAdvice): boolean =>
  !advice.isKnown && advice.meant !== undefined && /^[a-z]+(?:\[[^\]]*\])?$/.test(name);

/** What to say of a model that is on no list. */
export function unlistedModel(name: string, { meant }: ModelAdvice): string {
  return `${name} is not on the list of models that the hive knows${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}
