import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { ready } from "./child.ts";

/**
 * The floor: the least that a broker in Node has to do. Lines of JSON over a Unix socket; every line sent is appended
 * to a file, with one `fdatasync` for all lines of the same turn of the event loop, and then handed to the receiver
 * that waits for that inbox. It checks nothing and discards messages without a receiver.
 */
export function floor([path = "", file = ""]: string[]): void {
  const fd = openSync(file, "a");
  const waiting = new Map<string, { socket: Socket; id: number }>();
  let queue: { socket: Socket; line: Request; text: string }[] = [];
  const commit = (): void => {
    const group = queue;
    queue = [];
    writeSync(fd, group.map(({ text }) => text).join(""));
    fdatasyncSync(fd);
    for (const { socket, line } of group) {
      const receiver = waiting.get(line.to);
      if (receiver) {
        waiting.delete(line.to);
        receiver.socket.write(`${JSON.stringify({ id: receiver.id, ok: true, message: { body: line.body } })}\n`);
      }
      socket.write(`${JSON.stringify({ id: line.id, ok: true })}\n`);
    }
  };
  const server = createServer((socket) => {
    let rest = "";
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk: string) => {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      for (const text of parts) {
        const line = JSON.parse(text) as Request;
        if (line.cmd === "next") waiting.set(line.inbox, { socket, id: line.id });
        else if (queue.push({ socket, line, text: `${text}\n` }) === 1) setImmediate(commit);
      }
    });
  });
  server.listen(path, ready);
  process.on("exit", () => closeSync(fd));
}

interface Request {
  cmd: string;
  id: number;
  to: string;
  inbox: string;
  body: string;
}
