import { z } from "zod";
import { CredentialName, Instant } from "./names.ts";
import { nothing, type Operation } from "./operation.ts";

/** Characters of a code: ten times a usual one. */
const MAX_CODE_CHARS = 1024;
const MAX_LOGIN_ID_CHARS = 64;

/** Where the hive's credential comes from. `none`: it rehearses, and a log-in ends that. */
export const CredentialSource = z.enum(["environment", "file", "login", "none", "rehearsal"]);
export type CredentialSource = z.infer<typeof CredentialSource>;

/** The hive's log-in to the model. */
export const ModelLoginView = z.object({
  source: CredentialSource,
  /** Who logged in, and when. */
  by: z.string().optional(),
  at: Instant.optional(),
});
export type ModelLoginView = z.infer<typeof ModelLoginView>;

/** A log-in that waits for its code. */
export const LoginStarted = z.object({
  login: z.string(),
  /** The page of the provider where the operator approves and gets the code. */
  url: z.string(),
  /** The log-in ends then. */
  expires_at: Instant,
});
export type LoginStarted = z.infer<typeof LoginStarted>;

/** A code as the provider's page shows it: two parts with a # between them. */
const Code = z
  .string()
  .max(MAX_CODE_CHARS)
  .transform((text) => text.trim())
  .pipe(z.string().regex(/^[\w.~-]+#[\w.~-]+$/, "this is not the whole code: copy all that the page shows, with the # in it"));

/** Without it, the log-in that runs. */
const login = z.string().min(1).max(MAX_LOGIN_ID_CHARS).optional();

/** The operations of the log-in to the model. */
export const modelLoginOperations = {
  model_login_start: {
    summary: "Begin a log-in to the model: the CLI's own flow for a long-lived token. Answers with the address to open.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({
      /** Cancel a log-in that is running and begin a new one. */
      again: z.boolean().default(false),
      /** The credential that the token is kept as. Absent: the hive's own. */
      credential: CredentialName.optional(),
    }),
    output: LoginStarted,
  },
  model_login_finish: {
    summary: "End a log-in to the model with the code of the provider's page. Answers when the token is kept and used.",
    callers: ["operator"],
    input: z.object({ login, code: Code }),
    output: ModelLoginView,
  },
  model_login_cancel: {
    summary: "Cancel a log-in to the model.",
    callers: ["operator"],
    input: z.object({ login }),
    output: nothing,
  },
  model_logout: {
    summary: "Remove the token of the log-in to the model.",
    callers: ["operator"],
    input: nothing,
    output: ModelLoginView,
  },
} as const satisfies Record<string, Operation>;
