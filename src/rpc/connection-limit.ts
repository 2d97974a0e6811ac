import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";
import { Refused } from "./refused.ts";

/**
 * Bounds the connections of an HTTP server, including those passed to it with `emit("connection")`. At `most`
 * connections, a new one replaces the connection that has been silent longest. If every connection has sent a request,
 * the new one is refused. The loser is answered 503 with the reason.
 */
export function boundConnections(server: Server, most: number): void {
  const words = `hyperhive: more than ${most} connections; close some and try again\n`;
  const answer = [
    "HTTP/1.1 503 Service Unavailable",
    "Content-Type: text/plain",
    `Content-Length: ${words.length}`,
    "Retry-After: 1",
    "Connection: close",
    "",
    words,
  ].join("\r\n");
  const refused = new Refused(most);
  const live = new Set<Socket>();
  /** Connections that have not sent a request yet, oldest first. */
  const silent = new Set<Socket>();
  const forget = (socket: Socket): void => {
    live.delete(socket);
    silent.delete(socket);
  };
  const spoke = ({ socket }: IncomingMessage): void => void silent.delete(socket);
  const serve = server.listeners("connection") as ((socket: Socket) => void)[];
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    if (live.size >= most) {
      const [oldest] = silent;
      if (!oldest) return refused.letGo(socket, answer);
      forget(oldest);
      refused.letGo(oldest, answer);
    }
    live.add(socket);
    silent.add(socket);
    socket.once("close", () => forget(socket));
    for (const listener of serve) listener.call(server, socket);
  });
  server.prependListener("request", spoke);
  // Only if the server handles CONNECT: an extra listener would keep open what Node closes by default.
  if (server.listenerCount("connect") > 0) server.prependListener("connect", spoke);
}
