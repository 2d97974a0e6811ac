import { connect } from "node:net";
import { ready } from "./child.ts";

/** `count` connections to the event stream on `port` that only count bytes. Reports the number of bytes on request. */
export function listeners([port = "", count = "", path = "/"]: string[]): void {
  let bytes = 0;
  let open = 0;
  for (let nth = 0; nth < Number(count); nth++) {
    const socket = connect(Number(port), "127.0.0.1", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: bench\r\n\r\n`);
    });
    socket.once("data", () => ++open === Number(count) && ready());
    socket.on("data", (chunk) => (bytes += chunk.length));
    socket.on("error", () => socket.destroy());
  }
  process.on("message", () => process.send?.({ bytes }));
}
