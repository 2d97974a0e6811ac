import { HiveError } from "../../wire/error.ts";
import type { Credential } from "./credentials.ts";

/** What stands in place of a credential. */
const HIDDEN = "[credential]";
/** Characters of base64 below which nothing is recognized: they would be found in any text. */
const MIN_FORM_CHARS = 4;

/**
 * Takes a token out of what a host says: it was sent the token, and its errors may say it back. Views, logs and the
 * database get what this returns.
 */
export function withoutEchoes(credential: Credential | undefined): (text: string) => string {
  // A private key is never sent.
  if (credential?.kind !== "token") return (text) => text;
  const { token } = credential;
  const forms = [token, ...basicForms(token)];
  return (text) => forms.reduce((shown, form) => shown.replaceAll(form, HIDDEN), text);
}

/**
 * What is certain of a token in the base64 of a name and the token, which https is sent: it depends on how many bytes come
 * before. At most the bits of one more byte are left at each end.
 */
function basicForms(token: string): string[] {
  const forms = [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), Buffer.from(token)]);
    const [start, end] = [Math.ceil((before * 8) / 6), Math.floor((bytes.length * 8) / 6)];
    return bytes.toString("base64").slice(start, end);
  });
  return forms.filter((form) => form.length >= MIN_FORM_CHARS);
}

/** The same error without the credential. */
export function hideIn(error: unknown, hide: (text: string) => string): unknown {
  return error instanceof HiveError ? new HiveError(error.code, hide(error.message), { cause: error.cause }) : error;
}
