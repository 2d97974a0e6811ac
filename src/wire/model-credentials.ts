import { z } from "zod";
import { DEFAULT_CREDENTIAL } from "./default-credential.ts";
import { CredentialSource } from "./model-login.ts";
import { CredentialName, Instant } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";

/** Credentials of one hive besides its own: more than accounts that one hive has. */
export const MAX_CREDENTIALS = 50;
/** Characters of an API key or a token: about five times a usual one. */
export const MAX_TOKEN_CHARS = 512;
const MAX_FILE_CHARS = 1024;

/** A key or token as a header can carry it. */
const Token = z
  .string()
  .max(MAX_TOKEN_CHARS, `a key or token has at most ${MAX_TOKEN_CHARS} characters`)
  .regex(/^[!-~]+$/, "a key or token is one word of printable characters");

/** A credential for the model, and who uses it. Never its value. */
export const CredentialView = z.object({
  name: z.string(),
  /**
   * Where it comes from. `token`: the hive keeps it. `missing`: a config names it, and it is not there. The others but
   * `file` are those of the hive's own credential.
   */
  source: z.enum([...CredentialSource.options, "token", "missing"]),
  /** Absent if it cannot be read, or for none. */
  kind: z.enum(["api-key", "oauth"]).optional(),
  /** The file that it is read from. */
  file: z.string().optional(),
  /** Why it cannot be used, with what to do. */
  problem: z.string().optional(),
  /** Who added it, and when. */
  by: z.string().optional(),
  at: Instant.optional(),
  /** The agents whose requests have it. */
  agents: z.array(z.string()),
});
export type CredentialView = z.infer<typeof CredentialView>;

/** The operations on credentials for the model. No operation answers with a value. */
export const modelCredentialOperations = {
  credentials: {
    summary: `The credentials for the model with the agents that use them; ${DEFAULT_CREDENTIAL} is the hive's own. Never a value.`,
    callers: ["operator"],
    input: nothing,
    output: z.object({ credentials: z.array(CredentialView) }),
  },
  credential_add: {
    summary:
      "Keep another credential for the model, or replace its value: an API key, a long-lived token, or the path of a file that has one. Agents whose config names it use it from their next request.",
    callers: ["operator"],
    takesIn: true,
    input: z
      .object({
        name: CredentialName,
        token: Token.optional(),
        /** A file on the daemon's host, which is read for each request. */
        file: z.string().max(MAX_FILE_CHARS).regex(/^\//, "name the file by its whole path").optional(),
      })
      .refine(({ token, file }) => (token === undefined) !== (file === undefined), "give one of token and file"),
    output: z.object({ credential: CredentialView }),
  },
  credential_remove: {
    summary: "Remove a credential for the model for good. Refused while a config names it, unless with force.",
    callers: ["operator"],
    input: z.object({ name: CredentialName, force: z.boolean().default(false) }),
    output: nothing,
  },
} as const satisfies Record<string, Operation>;
