import { request as httpRequest, Agent as HttpAgent } from "node:http";
import { request as httpsRequest, Agent as HttpsAgent } from "node:https";
import { HiveError } from "../../wire/error.ts";
import type { ModelReply, ModelRequest, Upstream } from "../model/dialect.ts";

/** Silence after which an upstream counts as stalled; the API sends a ping every few seconds. Milliseconds. */
const STALL_MS = 5 * 60_000;
/** Answer headers that the CLI uses. */
const KEPT = /^(?:content-type|retry-after|request-id|x-should-retry|anthropic-ratelimit-.*)$/;

/** The current credential: an API key, or a long-lived OAuth token. Never logged, never in an error. */
export interface Credential {
  kind: "api-key" | "oauth";
  value: string;
}

/** The beta that the API requires with an OAuth token. */
const OAUTH_BETA = "oauth-2025-04-20";

/**
 * Anthropic's API or a compatible one. `credential` gives the one with a request's name. It is read for each request, so
 * that its file can be rotated.
 */
export function liveUpstream(baseUrl: string, credential: (name: string) => Credential): Upstream {
  const base = new URL(baseUrl);
  const secure = base.protocol === "https:";
  const agent = secure ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  const prefix = base.pathname.replace(/\/$/, "");

  return (request: ModelRequest): Promise<ModelReply> =>
    new Promise((resolve, reject) => {
      const send = secure ? httpsRequest : httpRequest;
      const outgoing = send(
        {
          hostname: base.hostname,
          port: base.port || (secure ? 443 : 80),
          path: `${prefix}${request.path}?beta=true`,
          method: "POST",
          agent,
          signal: request.signal,
          headers: {
            ...request.headers,
            ...authorization(credential(request.credential), request.headers["anthropic-beta"]),
            "accept-encoding": "identity",
            "content-length": String(request.raw.length),
          },
        },
        (incoming) => {
          const headers: Record<string, string> = {};
          for (const [name, value] of Object.entries(incoming.headers))
            if (KEPT.test(name) && typeof value === "string") headers[name] = value;
          resolve({ status: incoming.statusCode ?? 502, headers, body: incoming });
        },
      );
      outgoing.setTimeout(STALL_MS, () => outgoing.destroy(new Error("the upstream has said nothing for five minutes")));
      outgoing.once("error", (error: NodeJS.ErrnoException) =>
        reject(new HiveError("unavailable", `the model API cannot be reached (${error.code ?? error.message})`)),
      );
      outgoing.end(request.raw);
    });
}

function authorization(credential: Credential, beta: string | undefined): Record<string, string> {
  if (credential.kind === "api-key") return { "x-api-key": credential.value };
  const betas = new Set([...(beta?.split(",") ?? []), OAUTH_BETA]);
  return { authorization: `Bearer ${credential.value}`, "anthropic-beta": [...betas].join(",") };
}
