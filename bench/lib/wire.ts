import { connect, type NetConnectOpts, type Socket } from "node:net";
import { once } from "node:events";

/** A socket of lines with nothing between: every contender is asked through the same few instructions. */
export interface Lines {
  write(text: string): void;
  /** The next line that comes. Lines are handed out in the order of the calls. */
  next(): Promise<string>;
  close(): void;
}

export async function openLines(to: NetConnectOpts): Promise<Lines> {
  const socket: Socket = connect(to);
  await once(socket, "connect");
  socket.setNoDelay(true);
  const waiting: ((line: string) => void)[] = [];
  const lines: string[] = [];
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const part of parts) {
      const waiter = waiting.shift();
      if (waiter) waiter(part);
      else lines.push(part);
    }
  });
  return {
    write: (text) => void socket.write(text),
    next() {
      const line = lines.shift();
      return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
    },
    close: () => void socket.destroy(),
  };
}

/** Asks one question and hears its answer as JSON. Throws when the answer is a refusal. */
export async function ask(lines: Lines, question: object): Promise<Record<string, unknown>> {
  lines.write(`${JSON.stringify(question)}\n`);
  const answer = JSON.parse(await lines.next()) as Record<string, unknown>;
  if (answer["ok"] === false) throw new Error(String(answer["error"]));
  return answer;
}
