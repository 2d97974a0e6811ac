import { connect, type NetConnectOpts, type Socket } from "node:net";
import { once } from "node:events";
import { LineSplitter } from "../../src/rpc/lines.ts";

/** A socket of lines without further layers, so that all contenders are called through the same few instructions. */
export interface Lines {
  write(text: string): void;
  /** The next line. Lines are handed out in the order of the calls. */
  next(): Promise<string>;
  close(): void;
}

/**
 * The read buffer that all connections of this process share. Without it each read would allocate and pass through the
 * stream layer: a fifth of a sender's cost, and on two cores a sender takes that time from the server.
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export async function openLines(to: NetConnectOpts): Promise<Lines> {
  const waiting: ((line: string) => void)[] = [];
  const lines: string[] = [];
  const splitter = new LineSplitter();
  const onLine = (line: string): void => {
    const waiter = waiting.shift();
    if (waiter) waiter(line);
    else lines.push(line);
  };
  const callback = (count: number): boolean => {
    splitter.push(READ_BUFFER.subarray(0, count), onLine);
    return true;
  };
  const socket: Socket = connect({ ...to, onread: { buffer: READ_BUFFER, callback } });
  await once(socket, "connect");
  socket.setNoDelay(true);
  socket.on("error", () => socket.destroy());
  return {
    write: (text) => void socket.write(text),
    next() {
      const line = lines.shift();
      return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line);
    },
    close: () => void socket.destroy(),
  };
}

/** Sends a request and returns its answer as JSON. Throws if it is refused. */
export async function ask(lines: Lines, question: object): Promise<Record<string, unknown>> {
  lines.write(`${JSON.stringify(question)}\n`);
  const answer = JSON.parse(await lines.next()) as Record<string, unknown>;
  if (answer["ok"] === false) throw new Error(String(answer["error"]));
  return answer;
}
