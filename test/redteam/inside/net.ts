import { createSocket } from "node:dgram";
import { connect, type NetConnectOpts } from "node:net";

/** Time for an answer within one machine. Milliseconds. */
const ANSWER_MS = 3_000;

/** Connects. Resolves once the other side has accepted. */
export function reach(to: NetConnectOpts): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(to);
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("no answer")));
    socket.once("connect", () => {
      socket.destroy();
      resolve("connected");
    });
    socket.once("error", reject);
  });
}

/** Sends one datagram. Resolves once the kernel has taken it. */
export function sendDatagram(address: string, port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
    socket.once("error", reject);
    socket.send("x", port, address, (error) => {
      socket.close();
      if (error) reject(error);
      else resolve("sent");
    });
  });
}

/** Writes a text to a connection and resolves with everything that comes back until the other side closes. */
export function exchange(to: NetConnectOpts, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(to, () => socket.write(text));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    socket.once("error", reject);
    socket.once("close", () => resolve(answer));
  });
}

/** The status and the body of an HTTP answer, without the sizes of its chunks. Throws them for 4xx and 5xx. */
function wordsOf(answer: string): string {
  if (answer === "") throw new Error("the connection was closed");
  const [head = "", ...rest] = answer.split("\r\n\r\n");
  const body = rest.join("\r\n\r\n").replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/gi, "");
  const words = `${head.split("\r\n")[0]}: ${body.trim()}`;
  if (/^HTTP\/1\.1 [45]/.test(answer)) throw new Error(words);
  return words;
}

/** Sends the lines of a request to the egress proxy. Resolves with its answer, and rejects with its refusal. */
export async function throughProxy(request: readonly string[]): Promise<string> {
  const proxy = new URL(process.env["HTTPS_PROXY"] ?? "");
  return wordsOf(await exchange({ host: proxy.hostname, port: Number(proxy.port) }, [...request, "", ""].join("\r\n")));
}

/** Sends bytes to an HTTP server on a Unix socket. Resolves with its answers, and rejects with the refusal of the first. */
export async function rawHttp(path: string, text: string): Promise<string> {
  return wordsOf(await exchange({ path }, text));
}
