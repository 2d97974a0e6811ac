import type { AgentView } from "../../src/wire/agent.ts";

/** The address of an agent's own port, seen from where this page is; undefined while it has none. */
export function ownAddress(agent: Pick<AgentView, "port">, here: { href: string }): string | undefined {
  if (agent.port === undefined) return undefined;
  const url = new URL("/", here.href);
  url.port = String(agent.port);
  return url.href;
}

/**
 * Where a page of the hive is, when this one is on an agent's own port, which has that agent's page alone; undefined
 * when it is here.
 */
export function elsewhere(path: string, agents: Iterable<AgentView>, here: { port: string }): string | undefined {
  const own = [...agents].find((agent) => String(agent.port) === here.port);
  if (!own || new URL(path, own.url).pathname === `/agent/${own.name}`) return undefined;
  return new URL(path, own.url).href;
}
