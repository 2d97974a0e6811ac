import { randomBytes } from "node:crypto";
import { parseAnswer, refusal, sendBytes, type Ask } from "./http.ts";
import type { Place } from "./place.ts";

/** Requests to the dashboard's port, well-formed and as bytes. Each resolves with what it reached and rejects with the refusal. */

/** Asks with the operator's cookie, and throws the refusal. */
export const asked = async (place: Place, path: string, what: Ask = {}): Promise<string> =>
  refusal(await place.ask(path, { cookie: place.cookie, ...what }));

/** Sends a message in a request with these headers. Reached if the hive stores it, even if the answer is a refusal. */
export async function sent(place: Place, headers: Record<string, string>, what: Ask = {}): Promise<string> {
  const body = `web ${randomBytes(8).toString("hex")}`;
  const answer = await place.ask("/api/send", { cookie: place.cookie, body: { to: "ada", body }, headers, ...what });
  return (await place.hasMessage(body)) ? "the message is in the hive" : refusal(answer);
}

/** Bytes of a request with the operator's cookie. */
export const bytes = (place: Place, first: string, ...lines: string[]): string =>
  [first, `Cookie: ${place.cookie}`, ...lines].join("\r\n");
/** A POST of JSON with the operator's cookie, its headers written by hand. */
export const jsonPost = (place: Place, path: string, headers: readonly string[], body = ""): string =>
  bytes(place, `POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${place.port}`, "Content-Type: application/json", ...headers, "", body);
export const raw = async (place: Place, text: string | Buffer): Promise<string> =>
  refusal(parseAnswer(await sendBytes(place.port, text)));

/** Makes attempts, each of which has to fail with these words. Resolves with the first that does not. */
export async function allRefused(refused: RegExp, attempts: readonly (() => Promise<string>)[]): Promise<string> {
  let words = "";
  for (const attempt of attempts) {
    try {
      return `reached: ${await attempt()}`;
    } catch (error) {
      words = error instanceof Error ? error.message : String(error);
      if (!refused.test(words)) return `failed otherwise: ${words}`;
    }
  }
  throw new Error(words);
}

export const json = { "Content-Type": "application/json" };
