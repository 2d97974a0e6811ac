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

/** The refusal in an HTTP answer as an error: its status line and the last line of its body. Resolves with any other. */
export async function throughProxy(request: readonly string[]): Promise<string> {
  const proxy = new URL(process.env["HTTPS_PROXY"] ?? "");
  const answer = await exchange({ host: proxy.hostname, port: Number(proxy.port) }, [...request, "", ""].join("\r\n"));
  const lines = answer.trim().split("\r\n");
  const words = `${lines[0]}: ${lines.at(-1)}`;
  if (/^HTTP\/1\.1 [45]/.test(answer) || answer === "") throw new Error(answer === "" ? "the connection was closed" : words);
  return words;
}
