import { rawHttp } from "./net.ts";

/** The model gateway as an attacker speaks to it, past the CLI. */

export const MODEL_SOCKET = "/run/hive/model.sock";
/** The model of an agent whose config names none, by its id. */
const MODEL = "claude-sonnet-5-5";

/** A request's body with further fields. */
export const bodyWith = (extra: object): object => ({
  model: MODEL,
  max_tokens: 16,
  messages: [{ role: "user", content: "hi" }],
  ...extra,
});
/** A request whose message has this content. */
export const saying = (content: unknown): object => bodyWith({ messages: [{ role: "user", content }] });

export interface ModelRequest {
  method?: string;
  path?: string;
  headers?: readonly string[];
}

/** The bytes of a request. */
export function requestText(body: string, { method = "POST", path = "/v1/messages", headers = [] }: ModelRequest = {}): string {
  const head = [
    `${method} ${path} HTTP/1.1`,
    "Host: model",
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    ...headers,
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}

/** Sends a request. Rejects with the refusal. */
export const askModel = (body: object | string, request: ModelRequest = {}): Promise<string> =>
  rawHttp(MODEL_SOCKET, requestText(typeof body === "string" ? body : JSON.stringify(body), request));

/** Sends every one of these. Rejects if all are refused in these words; resolves with those that are not. */
export async function askEach(bodies: Record<string, object | string>, refusal: RegExp): Promise<string> {
  const passed: string[] = [];
  let words = "";
  for (const [what, body] of Object.entries(bodies)) {
    words = await askModel(body).then(
      () => "it was answered",
      (error: unknown) => (error as Error).message,
    );
    if (!refusal.test(words)) passed.push(`${what} (${words})`);
  }
  if (passed.length > 0) return `not refused: ${passed.join(", ")}`;
  throw new Error(`${Object.keys(bodies).length} refused; the last: ${words}`);
}
