import { z } from "zod";
import { Instant } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";

/** Secrets of one hive: far more than services that its agents use. */
export const MAX_SECRETS = 500;
/** Characters of a secret's name. */
const MAX_SECRET_NAME_CHARS = 64;
/** Bytes of a value: a private key with its certificates. */
export const MAX_SECRET_BYTES = 16 * 1024;
/** Characters from which on a value is replaced in what is stored of an agent. A shorter one is part of other words. */
export const MIN_REPLACED_CHARS = 8;

/** The name of a secret, and of the variable that has it in a cage. */
export const SecretName = z
  .string()
  .max(MAX_SECRET_NAME_CHARS)
  .regex(/^[A-Z][A-Z0-9_]*$/, "a secret's name is A-Z, 0-9 and '_', and begins with a letter");

/** What the name of a systemd credential begins with that is a secret, as in `LoadCredential=secret.GH:/etc/hyperhive/gh`. */
const SYSTEMD_PREFIX = "secret.";

/** The name of the secret that a systemd credential is. Undefined for another one. */
export function secretOfCredential(credential: string): string | undefined {
  if (!credential.startsWith(SYSTEMD_PREFIX)) return undefined;
  return SecretName.safeParse(credential.slice(SYSTEMD_PREFIX.length)).data;
}

const SecretValue = z
  .string()
  .min(1, "a secret is not empty")
  .refine((value) => new TextEncoder().encode(value).length <= MAX_SECRET_BYTES, `a secret has at most ${MAX_SECRET_BYTES} bytes`)
  .refine((value) => !value.includes("\0"), "a secret has no NUL character: no program could get it");

/** A use of a secret by an agent's deployed config. */
export const SecretUse = z.object({
  agent: z.string(),
  /** The agent reads it in its environment, or the hive adds it to calls of an API door. */
  as: z.enum(["environment", "door"]),
  door: z.string().optional(),
});
export type SecretUse = z.infer<typeof SecretUse>;

/** A secret that is kept, or that a config names and that is missing. Never its value. */
export const SecretView = z.object({
  name: z.string(),
  /** True if there is no value: what uses it works without. */
  missing: z.literal(true).optional(),
  /** True if its value is a credential that systemd passes to the daemon: it is not set or removed here. */
  systemd: z.literal(true).optional(),
  /** Who set it, and when. Absent for one that was never set. */
  set_by: z.string().optional(),
  set_at: Instant.optional(),
  /** When a cage or a call got it last. Exact to a minute. */
  used_at: Instant.optional(),
  uses: z.array(SecretUse),
});
export type SecretView = z.infer<typeof SecretView>;

/** The operations on the store of secrets. No operation answers with a value. */
export const secretOperations = {
  secrets: {
    summary: "The secrets that the hive keeps or misses, with where they are used. Never a value.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ secrets: z.array(SecretView) }),
  },
  secret_set: {
    summary:
      "Keep a secret, or replace its value. An agent that has it in its environment gets it with the next start of its cage.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({ name: SecretName, value: SecretValue }),
    output: z.object({ secret: SecretView }),
  },
  secret_remove: {
    summary: "Remove a secret for good. Refused while it is used, unless with force.",
    callers: ["operator"],
    input: z.object({ name: SecretName, force: z.boolean().default(false) }),
    /** `stays`: systemd passes a value of that name, which goes on being the one that counts. */
    output: z.object({ stays: z.boolean().optional() }),
  },
} as const satisfies Record<string, Operation>;
