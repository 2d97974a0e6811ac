import { connect } from "node:net";

/** Longest silence of a socket. Milliseconds. */
const ANSWER_MS = 30_000;

/** Writes to a socket of the hive. Rejects with the error in the first line of the answer; resolves with any other answer. */
export function line(path: string, parts: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    const socket = connect(path, () => parts.forEach((part) => socket.write(part)));
    socket.setTimeout(ANSWER_MS, () => socket.destroy(new Error("no answer")));
    const end = (): void => {
      socket.destroy();
      const answer = JSON.parse(text.split("\n")[0] || "{}") as { ok?: boolean; error?: string; code?: string };
      if (answer.ok === false) reject(new Error(`${answer.code}: ${answer.error}`));
      else resolve(text.slice(0, 100) || "the connection was closed");
    };
    socket.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) end();
    });
    socket.on("error", (error) => (text === "" ? reject(error) : end()));
    socket.on("close", end);
  });
}
