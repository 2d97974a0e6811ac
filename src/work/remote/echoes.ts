import { HiveError } from "../../wire/error.ts";
import type { Credential } from "./credentials.ts";

/** What stands in place of a credential. */
const HIDDEN = "[credential]";

/**
 * Takes a token out of what a host says: it was sent the token, and its errors may say it back. Views, logs and the
 * database get what this returns.
 */
export function withoutEchoes(credential: Credential | undefined): (text: string) => string {
  // A private key is never sent.
  if (credential?.kind !== "token") return (text) => text;
  const { token } = credential;
  return (text) => text.replaceAll(token, HIDDEN);
}

/** The same error without the credential. */
export function hideIn(error: unknown, hide: (text: string) => string): unknown {
  return error instanceof HiveError ? new HiveError(error.code, hide(error.message), { cause: error.cause }) : error;
}
