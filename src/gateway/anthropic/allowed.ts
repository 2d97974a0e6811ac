import { z } from "zod";

/**
 * Schemas of what may pass to the model API. Each complaint names what was refused and the constant that lists what is
 * allowed, so that a new field of the API can be added in the right place. Text from a cage is truncated and quoted.
 */

/** Maximum length of a value or key that a complaint quotes. Characters. */
const SHOWN_CHARS = 80;

/** An object with exactly these fields. `constant` is the name and file of the list. */
export function fields<S extends z.core.$ZodLooseShape>(constant: string, shape: S) {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? `this field is not allowed from a cage (list: ${constant})` : undefined,
  });
}

/**
 * An object with any fields, kept as it was parsed. A schema that copies it would lose a field named `__proto__`, which
 * the API reads.
 */
export function anyObject() {
  return z.custom<Record<string, unknown>>((value) => typeof value === "object" && value !== null && !Array.isArray(value), {
    error: "an object is expected",
  });
}

/** An object of this `type` with exactly these fields. */
export function block<const T extends string, S extends z.core.$ZodLooseShape>(constant: string, type: T, shape: S) {
  return fields(constant, { type: z.literal(type, { error: (issue) => refused(issue.input, [type], constant) }), ...shape });
}

/** One of these blocks, discriminated by `type`. */
export function blocks<const O extends readonly [z.core.$ZodTypeDiscriminable, ...z.core.$ZodTypeDiscriminable[]]>(
  constant: string,
  options: O,
) {
  return z.discriminatedUnion("type", options, {
    error: (issue) =>
      issue.code === "invalid_union" ? refused((issue.input as { type?: unknown }).type, [], constant) : undefined,
  });
}

/** One of these words. */
export function words<const V extends readonly [string, ...string[]]>(constant: string, values: V) {
  return z.enum(values, {
    error: (issue) => refused(issue.input, values, constant),
  });
}

/** A list of these items. Stops at the first invalid item, so that a list of a hundred thousand makes one complaint. */
export function listOf<S extends z.ZodType>(item: S) {
  return z.array(z.unknown()).transform((values, ctx): z.output<S>[] => {
    const read: z.output<S>[] = [];
    for (const [index, value] of values.entries()) {
      const parsed = item.safeParse(value);
      if (!parsed.success) {
        for (const issue of parsed.error.issues.slice(0, 1))
          ctx.issues.push({ ...issue, path: [index, ...issue.path], input: value } as z.core.$ZodRawIssue);
        return z.NEVER;
      }
      read.push(parsed.data);
    }
    return read;
  });
}

/** The first complaint of a schema: the path of the field, as in the body, and what is wrong. */
export function complaint(error: z.ZodError): string {
  const issue = error.issues[0];
  return issue ? complaintOf(issue, []) : "the request does not fit its schema";
}

function complaintOf(issue: z.core.$ZodIssue, above: readonly PropertyKey[]): string {
  const path = [...above, ...issue.path];
  // Text or a list of blocks: the branch that parsed furthest gives the reason.
  if (issue.code === "invalid_union" && issue.errors.length > 0) {
    const furthest = issue.errors.flatMap((branch) => branch.slice(0, 1)).sort((a, b) => depth(b) - depth(a))[0];
    if (furthest) return complaintOf(furthest, path);
  }
  if (issue.code === "unrecognized_keys") path.push(issue.keys[0] ?? "");
  return `${written(path)}: ${issue.message}`;
}

function depth(issue: z.core.$ZodIssue): number {
  const branches = issue.code === "invalid_union" ? issue.errors.flatMap((branch) => branch.slice(0, 1)) : [];
  const own = issue.path.length + (issue.code === "invalid_type" ? 0 : 1);
  return own + branches.reduce((furthest, branch) => Math.max(furthest, depth(branch)), 0);
}

function written(path: readonly PropertyKey[]): string {
  const text = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${/^\w{1,80}$/.test(String(part)) ? String(part) : shown(part)}`))
    .join("")
    .replace(/^\./, "");
  return text === "" ? "the request" : text;
}

function refused(value: unknown, allowed: readonly string[], constant: string): string {
  const instead = allowed.length > 0 ? `; allowed: ${allowed.join(", ")}` : "";
  return `${shown(value)} is not allowed from a cage${instead} (list: ${constant})`;
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value.slice(0, SHOWN_CHARS)) : typeof value;
}
