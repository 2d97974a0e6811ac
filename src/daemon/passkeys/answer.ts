import { parseStrictObject } from "../../rpc/json.ts";
import { HiveError, parseOrThrow } from "../../wire/error.ts";
import { MAX_PASSKEY_HEADER_CHARS, UsedPasskey } from "../../wire/passkeys.ts";

/** Reads the header in which a page sends the answer of a passkey. Throws `bad_request`. */
export function readAnswer(header: string): UsedPasskey {
  if (header.length > MAX_PASSKEY_HEADER_CHARS)
    throw new HiveError("too_large", `the answer of a passkey has at most ${MAX_PASSKEY_HEADER_CHARS} characters`);
  if (!/^[\w-]+$/.test(header)) throw new HiveError("bad_request", "the answer of a passkey is sent as base64url of its JSON");
  return parseOrThrow(UsedPasskey, parseStrictObject(Buffer.from(header, "base64url").toString("utf8")));
}

/** Runs a check of the library. Its errors name what does not fit; one of ours is passed on. */
export async function refused<T>(check: () => Promise<T>): Promise<T> {
  try {
    return await check();
  } catch (error) {
    if (error instanceof HiveError) throw error;
    throw new HiveError("forbidden", `the passkey is refused: ${wordsOf(error)}`, { cause: error });
  }
}

function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  if (text.startsWith("Custom challenge verifier"))
    return "its answer was used, is too old, or is for another call or log-in. Try again";
  // It may quote what was sent.
  return text.replaceAll(/\p{C}/gu, " ").slice(0, MAX_WORDS);
}
/** Characters of an error of the library that are shown. */
const MAX_WORDS = 200;
