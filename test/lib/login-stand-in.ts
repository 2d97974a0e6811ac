import { createServer, type Server } from "node:https";
import type { IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { certificates } from "./certificates.ts";

/** The hosts of the provider that the CLI's flow was seen to connect to. */
const HOSTS = ["platform.claude.com", "api.anthropic.com"];

/** A request that the stand-in got. */
export interface Seen {
  host: string;
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/**
 * The provider's side of `claude setup-token` on loopback, as the real CLI was seen to use it: the exchange of a code for
 * a token, and the account's profile. Its certificate is signed by an authority of its own.
 */
export class LoginStandIn {
  readonly seen: Seen[] = [];
  /** The certificate of its authority. */
  readonly trust: string;
  /** The only code that it takes. */
  readonly code: string;
  readonly token: string;
  readonly #server: Server;

  constructor({ code, token }: { code: string; token: string }) {
    this.code = code;
    this.token = token;
    const made = certificates(HOSTS.map((host) => `DNS:${host}`));
    this.trust = made.authority;
    this.#server = createServer({ key: made.key, cert: made.certificate }, (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const { method = "", url: path = "", headers } = incoming;
        const one = { host: headers.host ?? "", method, path, headers, body: Buffer.concat(chunks).toString("utf8") };
        this.seen.push(one);
        const [status, body] = this.#answer(one);
        outgoing.writeHead(status, { "content-type": "application/json" });
        outgoing.end(JSON.stringify(body));
      });
    });
  }

  #answer({ host, method, path, body }: Seen): [number, object] {
    if (host === HOSTS[0] && method === "POST" && path === "/v1/oauth/token") {
      const { code, grant_type: grant } = JSON.parse(body) as Record<string, unknown>;
      if (grant !== "authorization_code" || code !== this.code)
        return [400, { error: "invalid_grant", error_description: "Invalid 'code' in request." }];
      return [
        200,
        {
          token_type: "Bearer",
          access_token: this.token,
          expires_in: 31_536_000,
          scope: "user:inference",
          account: { uuid: "00000000-0000-4000-8000-000000000001", email_address: "operator@example.org" },
          organization: { uuid: "00000000-0000-4000-8000-000000000002", name: "Example" },
        },
      ];
    }
    return [404, { type: "error", error: { type: "not_found_error", message: "not found" } }];
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
