import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { certificates } from "../lib/certificates.ts";

/** The API behind the doors of agents: it serves everything, and says again what it was sent. */

export const API_HOST = "api.redteam.test";

export class ApiServer {
  /** The certificate of its authority. */
  readonly authority: string;
  /** The calls that arrived. */
  readonly seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: string }[] = [];
  readonly #server: Server;

  private constructor() {
    const { authority, key, certificate } = certificates([`DNS:${API_HOST}`]);
    this.authority = authority;
    this.#server = createServer({ key, cert: certificate }, (incoming, outgoing) => {
      const { method = "", url = "", headers } = incoming;
      const call = { method, url, headers, body: "" };
      this.seen.push(call);
      incoming.on("data", (chunk: Buffer) => (call.body += chunk.toString()));
      incoming.once("end", () => answer(new URL(url, "https://api"), headers, outgoing));
    });
  }

  static async start(): Promise<ApiServer> {
    const api = new ApiServer();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function answer({ pathname, searchParams }: URL, headers: IncomingMessage["headers"], outgoing: ServerResponse): void {
  const credential = headers.authorization ?? "no credential";
  const base64 = Buffer.from(credential.replace(/^Bearer /, "")).toString("base64");
  switch (pathname.split("/").at(-1)) {
    case "moved":
      return void outgoing.writeHead(302, { location: searchParams.get("to") ?? "/" }).end("moved");
    case "plain":
      return void outgoing.end(`it is ${credential}`);
    case "base64":
      return void outgoing.end(`it is ${base64}`);
    case "compressed":
      return void outgoing.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(`it is ${credential}`));
    case "header":
      return void outgoing.writeHead(200, { "x-credential": credential }).end("it is in a header");
    case "pieces":
      for (const letter of `it is ${credential}`) outgoing.write(letter);
      return void outgoing.end();
    default:
      return void outgoing.end("the API");
  }
}
