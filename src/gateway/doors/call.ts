import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { apiRule, ruleAllows } from "../../wire/api-rules.ts";
import type { Api } from "../../wire/config-apis.ts";
import type { EgressVerdict } from "../egress/verdict.ts";
import { callHeaders } from "./headers.ts";
import { doorTarget, pathOf } from "./path.ts";

/** A secret for one call, with what an answer must not repeat. */
export interface DoorSecret {
  value: string;
  /** The forms of the value that are replaced. Empty if it is too short for that. */
  hidden: readonly string[];
  /** What stands in place of them. */
  place: string;
}

/** A call as an agent's program makes it. */
export interface Asked {
  method: string;
  /** The address after the host, as it was sent. */
  target: string;
  headers: IncomingHttpHeaders;
}

/** A call to send. */
export interface DoorCall {
  host: string;
  port: number;
  method: string;
  path: string;
  headers: OutgoingHttpHeaders;
  secret: DoorSecret;
}

/** Why a call is not sent. */
export interface DoorRefusal {
  verdict: EgressVerdict;
  status: number;
  words: string;
}

/** What is known of a call, sent or not, for its row. */
export interface CallAbout {
  api: string;
  method: string;
  /** Below the door, without the query. */
  path: string;
}

/** Turns a call of an agent into the one that is sent, or says why there is none. Pure. */
export function doorCall(
  asked: Asked,
  apis: Readonly<Record<string, Api>>,
  secretOf: (name: string) => DoorSecret | undefined,
): { about: CallAbout; api?: Api } & ({ call: DoorCall } | { refused: DoorRefusal }) {
  const { method, headers } = asked;
  const target = doorTarget(asked.target);
  if (typeof target === "string") {
    const about = { api: "", method, path: asked.target.replace(/\?.*$/s, "") };
    return { about, refused: { verdict: "bad path", status: 400, words: target } };
  }
  const { door, segments, query } = target;
  const path = pathOf(segments);
  const about = { api: door, method, path: path === "" ? "/" : path };
  const api = Object.hasOwn(apis, door) ? apis[door] : undefined;
  if (!api) {
    const words = `this agent has no door ${door} (agent.json, apis)`;
    return { about, refused: { verdict: "no such door", status: 404, words } };
  }
  const refuse = (verdict: DoorRefusal["verdict"], status: number, words: string) => ({
    about,
    api,
    refused: { verdict, status, words },
  });
  if (!api.allow.some((text) => isAllowed(text, method, segments)))
    return refuse(
      "call not listed",
      403,
      `${method} ${about.path} is not in the rules of the door ${door} (agent.json, apis.${door}.allow)`,
    );
  if ((method === "GET" || method === "HEAD") && hasBody(headers))
    return refuse("bad request", 400, `a ${method} has no body: servers disagree on what it would mean`);
  const secret = secretOf(api.secret);
  if (!secret) return refuse("secret missing", 503, `the hive has no secret ${api.secret}: an admin sets it`);
  // A header has one line of printable characters. A short value would be replaced in other words, or not at all.
  if (!/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(secret.value) || secret.hidden.length === 0)
    return refuse(
      "secret not usable",
      503,
      `the secret ${api.secret} cannot be sent in a header and kept out of answers: it needs 8 or more printable characters on one line`,
    );
  const [, own = "", template = ""] = /^([a-z0-9-]+): (.+)$/i.exec(api.header) ?? [];
  const url = URL.parse(api.url);
  // A config of an earlier version may have what none may have now.
  if (url?.protocol !== "https:" || own === "")
    return refuse("bad request", 503, `the door ${door} cannot be used: its config breaks a rule of this version`);
  const passed = callHeaders(headers, own.toLowerCase());
  const below = `${api.url.replace(/^https:\/\/[^/]*/, "")}${path}`;
  return {
    about,
    api,
    call: {
      host: url.hostname,
      port: Number(url.port || 443),
      method,
      path: `${below === "" ? "/" : below}${query}`,
      headers: {
        ...passed,
        // Node frames no body of a DELETE by itself: its bytes would be read as the next request of the connection.
        ...(hasBody(headers) && passed["content-length"] === undefined ? { "transfer-encoding": "chunked" } : {}),
        host: url.host,
        "accept-encoding": "identity",
        [own.toLowerCase()]: template.replace("{}", () => secret.value),
      },
      secret,
    },
  };
}

function isAllowed(text: string, method: string, segments: readonly string[]): boolean {
  const rule = apiRule(text);
  return rule !== undefined && ruleAllows(rule, method, segments);
}

/** True if a request has bytes after its head. */
export const hasBody = (headers: IncomingHttpHeaders): boolean =>
  headers["transfer-encoding"] !== undefined || !["0", undefined].includes(headers["content-length"]);
