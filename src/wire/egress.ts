import { isEgressHost, neverReached } from "./egress-host.ts";
import { notAHost, presetHosts } from "./egress-presets.ts";

/** Ports of an entry without a port. */
export const WEB_PORTS: readonly number[] = [80, 443];

/** Words for each verdict: allowed, or why the connection was denied. */
const REASONS: Readonly<Record<string, string>> = {
  allowed: "allowed",
  "not listed": "not listed",
  "port not listed": "port not listed",
  "private address": "resolves to a private address",
  "no such host": "no such host",
  "wrong server name": "TLS name differs from CONNECT host",
  "not TLS": "not TLS",
  unreachable: "does not answer",
  "method not allowed": "plain method not allowed",
  "bad request": "not a proxy request",
  "no such door": "no such API door",
  "bad path": "a path that can be read in two ways",
  "call not listed": "not in the rules of the door",
  "secret missing": "secret missing",
  "secret not usable": "the secret does not fit into a header",
  "answer not readable": "an answer in an unknown encoding",
};

/** The words for a verdict. An unknown verdict, from an earlier version, is returned unchanged. */
export function reasonOf(verdict: string): string {
  return Object.hasOwn(REASONS, verdict) ? (REASONS[verdict] ?? verdict) : verdict;
}

/** A call to an API door in words: `github GET /repos/a/b → 200`. */
export function callWords({
  api,
  method,
  path,
  status,
}: {
  api: string;
  method: string;
  path: string;
  status?: number | undefined;
}): string {
  return `${api} ${method} ${path}${status === undefined ? "" : ` → ${status}`}`.trim();
}

/**
 * The entry of `egress` that would allow a denied connection; undefined if no entry would allow it, none can be
 * written, or the agent has it by now (`listed`).
 */
export function missingEntry(denied: {
  host: string;
  port: number;
  verdict: string;
  listed?: true | undefined;
}): string | undefined {
  if (denied.listed === true) return undefined;
  if (denied.verdict !== "not listed" && denied.verdict !== "port not listed") return undefined;
  const host = denied.host.toLowerCase().replace(/\.$/, "");
  const entry = WEB_PORTS.includes(denied.port) ? host : `${host}:${denied.port}`;
  // The agent chose the name. A star in it would allow more than the denied connection.
  const isReachable = neverReached(entry) === undefined && notAHost(entry) === undefined;
  return !entry.includes("*") && isEgressHost(entry) && isReachable ? entry : undefined;
}

/**
 * The text of an `agent.json` with one more entry in `egress`, or with the hosts of a preset. Throws an Error with the
 * reason if there is nothing to add.
 */
export function withEgress(agentJson: string, entry: string): string {
  const config: unknown = JSON.parse(agentJson);
  if (typeof config !== "object" || config === null || Array.isArray(config)) throw new Error("agent.json is not an object");
  const listed: unknown = "egress" in config ? config.egress : [];
  if (!Array.isArray(listed)) throw new Error("egress in agent.json is not a list");
  const preset = presetHosts(entry);
  const why = notAHost(entry);
  if (why !== undefined) throw new Error(why);
  const added = (preset ?? [entry]).filter((host) => !listed.includes(host));
  if (added.length === 0) throw new Error(preset ? `the hosts of ${entry} are listed already` : `${entry} is listed already`);
  return `${JSON.stringify({ ...config, egress: [...(listed as unknown[]), ...added] }, null, 2)}\n`;
}
