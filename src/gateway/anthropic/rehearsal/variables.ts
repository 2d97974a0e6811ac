/** Values that a scenario has captured, by name. */
export type Variables = Record<string, string>;

/** Captures values with patterns: the group of that name, else the first group, else the whole match. */
export function capture(patterns: Record<string, string>, text: string): Variables {
  const caught: Variables = {};
  for (const [name, pattern] of Object.entries(patterns)) {
    const match = new RegExp(pattern, "s").exec(text);
    const value = match?.groups?.[name] ?? match?.[1] ?? match?.[0];
    if (value !== undefined) caught[name] = value;
  }
  return caught;
}

/** A text that consists of one value, to be passed as a number: tools take ids as numbers. */
const NUMBER = /^\{\{\s*([a-z][a-z0-9_]*)\s*\|\s*number\s*\}\}$/;

/**
 * Replaces `{{name}}` with values. `{{n+1}}` and `{{n-1}}` add and subtract; `{{n|number}}` alone becomes a number. A
 * name without a value stays as written.
 */
export function fill<T>(value: T, variables: Variables): T {
  if (typeof value === "string") {
    const wanted = variables[NUMBER.exec(value)?.[1] ?? ""];
    if (wanted !== undefined) return Number(wanted) as T;
    return value.replace(
      /\{\{\s*([a-z][a-z0-9_]*)\s*(?:([+-])\s*(\d+))?\s*\}\}/g,
      (whole, name: string, sign?: string, by?: string) => {
        const known = variables[name];
        if (known === undefined) return whole;
        return sign === undefined ? known : String(Number(known) + (sign === "+" ? 1 : -1) * Number(by));
      },
    ) as T;
  }
  if (Array.isArray(value)) return value.map((one: unknown) => fill(one, variables)) as T;
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one as unknown, variables)])) as T;
  return value;
}
