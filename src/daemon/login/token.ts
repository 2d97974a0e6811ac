import { readFileSync, statSync } from "node:fs";
import type { Credential } from "../../gateway/anthropic/live.ts";
import { HiveError } from "../../wire/error.ts";

/** The prefix of OAuth tokens. */
const OAUTH_PREFIX = "sk-ant-oat";
/** Bytes of a file with a credential: many times a usual one. A larger file is something else. */
const MAX_FILE_BYTES = 16 * 1024;

/** A key or token as the credential that it is: its beginning tells. */
export const credentialOf = (value: string): Credential => ({
  kind: value.startsWith(OAUTH_PREFIX) ? "oauth" : "api-key",
  value,
});

/** Reads the credential in a file. Throws `unavailable` with the path if there is none; never quotes the file. */
export function credentialIn(path: string): Credential {
  let value: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new HiveError("unavailable", `the credential file ${path} is no credential`);
    value = readFileSync(path, "utf8").trim();
  } catch (error) {
    if (error instanceof HiveError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new HiveError("unavailable", `the credential file ${path} cannot be read (${code})`);
  }
  if (value === "") throw new HiveError("unavailable", `the credential file ${path} is empty`);
  return credentialOf(value);
}
