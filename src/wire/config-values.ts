import { z } from "zod";
import { isEgressHost, neverReached } from "./egress-host.ts";
import { presetHosts } from "./egress-presets.ts";
import { MANAGER } from "./names.ts";

/** Unknown keys that a complaint names, and characters of each: the proposer controls them. */
const MAX_KEYS_TOLD = 3;
const MAX_KEY_CHARS = 80;

/** The values that `agent.json` may have. What the kernel or the CLI would refuse later is refused here. */

/** Text that can be passed to a program as an argument or a variable: the kernel ends strings at a NUL. */
export const ProgramText = z
  .string()
  .refine((text) => !text.includes("\0"), "a NUL character cannot be passed to a program")
  .refine((text) => !/\p{Cs}/u.test(text), "half of a surrogate pair is not a character");

export const ServerName = z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "a server name is 1 to 32 of a-z, 0-9, '_' and '-'");
export const EnvName = z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/, "an environment name is 1 to 64 of A-Z, 0-9 and '_'");

/**
 * The SDK joins rules with commas and the CLI splits them outside parentheses. A rule with a comma of its own or an
 * open parenthesis would change the other rules.
 */
export const ToolRule = ProgramText.max(256).regex(
  /^[A-Za-z][A-Za-z0-9_*-]*(?:\([^()\p{Cc}]+\))?$/u,
  "a tool is a name, or a name with one rule in parentheses: Bash(git log *)",
);

/** A model is one word of an argument and of a URL. It must not look like an option. */
export const ModelName = z
  .string()
  .max(128)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@/[\]-]*$/, "a model is an alias or an id: letters, digits and . _ : @ / [ ] -");

/** A host of the egress list: a DNS name, with an optional `*.` before it and an optional port after it. */
export const EgressHost = z
  .string()
  .refine(isEgressHost, {
    error: "a host is name, name:port or *.name, in lower case; a port is 1 to 65535",
    abort: true,
  })
  .superRefine((entry, context) => {
    const hosts = presetHosts(entry);
    const why = hosts ? `${entry} is a word for hosts: list them, ${hosts.join(", ")}` : neverReached(entry);
    if (why !== undefined) context.addIssue({ code: "custom", message: why });
  });

/** An agent that may be sent to. `*` and names that no agent can have would grant nothing. */
export const RecipientName = z
  .string()
  .regex(
    /^[a-z](?:[a-z0-9-]{0,30}[a-z0-9])?$/,
    "a recipient is the name of an agent; leave allowedRecipients out to allow every agent",
  )
  .overwrite((name) => (name === "manager" ? MANAGER : name));

/** A list without duplicates. */
export function distinct<T extends z.ZodType<string>>(element: T, max: number): z.ZodArray<T> {
  return z
    .array(element)
    .max(max)
    .superRefine((list, context) => {
      const at = list.findIndex((one, n) => list.indexOf(one) !== n);
      if (at >= 0) context.addIssue({ code: "custom", path: [at], message: "an entry is there twice" });
    });
}

/** An object with exactly these keys. The error for an unknown key lists the known ones. */
export function strict<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error(issue) {
      if (issue.code !== "unrecognized_keys") return undefined;
      const unknown = issue.keys.slice(0, MAX_KEYS_TOLD).map((key) => JSON.stringify(key.slice(0, MAX_KEY_CHARS)));
      return `there is no key ${unknown.join(", ")}; the keys are ${known}`;
    },
  });
}
