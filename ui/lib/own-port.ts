import type { AgentView } from "../../src/wire/agent.ts";

/** The address of an agent's own port as reachable from this page; undefined if it has none. */
export function ownAddress(agent: Pick<AgentView, "port">, here: { href: string }): string | undefined {
  if (agent.port === undefined) return undefined;
  const url = new URL("/", here.href);
  url.port = String(agent.port);
  return url.href;
}

/** The agent's port serves only that agent's page. Returns where another page of the hive is, or undefined if it is here. */
export function elsewhere(path: string, agents: Iterable<AgentView>, here: { port: string }): string | undefined {
  const own = [...agents].find((agent) => String(agent.port) === here.port);
  if (!own || new URL(path, own.url).pathname === `/agent/${own.name}`) return undefined;
  return new URL(path, own.url).href;
}
