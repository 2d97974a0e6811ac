import { MIN_REPLACED_CHARS } from "../../wire/secrets.ts";

/** A secret by its name and value. */
export interface NamedValue {
  name: string;
  value: string;
}

/** What stands in place of a value. */
export const placeOf = (name: string): string => `[secret ${name}]`;
/** What stands there in a text that names would make too long. It is no longer than the shortest value. */
const SHORT_PLACE = "[secret]";
/** Characters by which names may make a text longer. It was checked against its limit before. */
const MAX_GROWTH_CHARS = 1_000;

/**
 * The forms in which a value is found in a text: as it is, in JSON, in a URL, in base64, and what it is the base64 of.
 * Empty for a value that is too short.
 */
export function formsOf(value: string): string[] {
  if (value.length < MIN_REPLACED_CHARS) return [];
  const json = JSON.stringify(value).slice(1, -1);
  const base64 = Buffer.from(value).toString("base64");
  const forms = [
    value,
    json,
    json.replaceAll("/", "\\/"),
    encodeURIComponent(value.toWellFormed()),
    base64,
    base64.replace(/=+$/, ""),
  ];
  // As in `authorization: Basic {}`.
  const plain = Buffer.from(value, "base64").toString("latin1");
  if (/^[\x20-\x7e]{8,}$/.test(plain) && Buffer.from(plain).toString("base64") === value) forms.push(plain);
  // Longest first, so that no form leaves a part of a longer one.
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

/**
 * Replaces the values of secrets in every text of a JSON value, keys included. Returns the same value if there is
 * nothing to replace. Values shorter than `MIN_REPLACED_CHARS` stay: they are part of other words.
 */
export function withoutValues<T>(data: T, secrets: readonly NamedValue[]): T {
  const pairs = secrets.flatMap(({ name, value }) => formsOf(value).map((form) => [form, placeOf(name)] as const));
  pairs.sort(([a], [b]) => b.length - a.length);
  const replaced = (given: string, placed: (place: string) => string): string => {
    let kept = given;
    for (const [form, place] of pairs) if (kept.includes(form)) kept = kept.replaceAll(form, () => placed(place));
    return kept;
  };
  const text = (given: string): string => {
    const named = replaced(given, (place) => place);
    return named.length <= given.length + MAX_GROWTH_CHARS ? named : replaced(given, () => SHORT_PLACE);
  };
  const walk = (given: unknown): unknown => {
    if (typeof given === "string") return text(given);
    if (Array.isArray(given)) return given.map(walk);
    if (typeof given !== "object" || given === null) return given;
    return Object.fromEntries(Object.entries(given).map(([key, value]) => [text(key), walk(value)]));
  };
  return pairs.length === 0 ? data : (walk(data) as T);
}
