import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { certificates } from "./certificates.ts";

/** A web server on loopback that has a certificate for some hosts, and these files. Its authority is its own. */
export class FileHost {
  /** What was asked for: `GET host/path`, one for each request. */
  readonly seen: string[] = [];
  /** The certificate of its authority, as PEM. */
  readonly trust: string;
  readonly #server: Server;

  /** `answer` returns the content of a path of a host. Undefined: there is none. */
  constructor(hosts: readonly string[], answer: (path: string, host: string) => string | Buffer | undefined) {
    const made = certificates(hosts.map((host) => `DNS:${host}`));
    this.trust = made.authority;
    this.#server = createServer({ key: made.key, cert: made.certificate }, (incoming, outgoing) => {
      const { method = "", url = "", headers } = incoming;
      const host = (headers.host ?? "").replace(/:\d+$/, "");
      this.seen.push(`${method} ${host}${url}`);
      const path = decodeURIComponent(url.split("?")[0] ?? "");
      const content = method === "GET" || method === "HEAD" ? answer(path, host) : undefined;
      outgoing.writeHead(content === undefined ? 404 : 200, {
        "content-type": path.endsWith("/")
          ? "text/html"
          : path.endsWith(".json")
            ? "application/json"
            : "application/octet-stream",
      });
      outgoing.end(method === "HEAD" ? undefined : content);
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }
  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }
  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
