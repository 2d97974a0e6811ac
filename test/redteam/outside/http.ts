import { connect } from "node:net";

/** Requests byte by byte, as no client library would send them. */

/** Longest silence before an answer ends. Milliseconds. */
const ANSWER_MS = 5_000;
/** Bytes of an answer that are kept. */
const MAX_ANSWER = 1024 * 1024;

export interface Answer {
  status: number;
  /** By lower-case name; of repeated headers the last. */
  headers: Record<string, string>;
  body: string;
}

/** Sends bytes to a port of loopback or to a Unix socket and collects the answer until the other side closes, for at most `limit` milliseconds of silence. */
export function sendBytes(to: number | string, bytes: string | Buffer, limit = ANSWER_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const where = typeof to === "string" ? { path: to } : { port: to, host: "127.0.0.1" };
    const socket = connect(where, () => socket.write(bytes));
    socket.setTimeout(limit, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.length > MAX_ANSWER) socket.destroy();
    });
    // A server that refuses a body closes while it is still being sent.
    socket.on("error", (error) => (text === "" ? reject(error) : resolve(text)));
    socket.on("close", () => resolve(text));
  });
}

export function parseAnswer(text: string): Answer {
  const end = text.indexOf("\r\n\r\n");
  const [first = "", ...lines] = text.slice(0, end === -1 ? undefined : end).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0), headers, body: end === -1 ? "" : text.slice(end + 4) };
}

export interface Ask {
  method?: string;
  headers?: Record<string, string>;
  /** The value of the Cookie header. */
  cookie?: string;
  /** A text, or an object that is sent as JSON. */
  body?: string | object;
  /** Instead of the dashboard's port. */
  port?: number;
}

/** A request with exactly these headers. Host is the port's own unless it is given. */
export async function ask(home: number, path: string, { method, headers = {}, cookie, body, port }: Ask = {}): Promise<Answer> {
  const to = port ?? home;
  const text = typeof body === "object" ? JSON.stringify(body) : body;
  const all: Record<string, string> = {
    Host: `127.0.0.1:${to}`,
    Connection: "close",
    ...(cookie === undefined ? {} : { Cookie: cookie }),
    ...(typeof body === "object" ? { "Content-Type": "application/json" } : {}),
    ...(text === undefined ? {} : { "Content-Length": String(Buffer.byteLength(text)) }),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  const verb = method ?? (text === undefined ? "GET" : "POST");
  return parseAnswer(await sendBytes(to, [`${verb} ${path} HTTP/1.1`, ...lines, "", text ?? ""].join("\r\n")));
}

/** The status, and the reason in the body, of an answer. */
export function wordsOf({ status, headers, body }: Answer): string {
  if (status === 0) return "the connection was closed";
  const reason = /"error":"((?:[^"\\]|\\.)*)"/.exec(body)?.[1] ?? body.trim().split("\n")[0] ?? "";
  return `${status} ${status === 303 ? `to ${headers["location"]}` : reason.slice(0, 200)}`;
}

/** Throws the reason of a refusal. Returns the words of any other answer. A redirect to the log-in is a refusal. */
export function refusal(answer: Answer): string {
  const isLogin = answer.status === 303 && answer.headers["location"] === "/login";
  if (answer.status >= 400 || answer.status === 0 || isLogin) throw new Error(wordsOf(answer));
  return wordsOf(answer);
}
