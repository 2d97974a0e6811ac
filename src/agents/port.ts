/** Chooses the port of an agent's own page. It depends only on names and on taken ports, so bookmarks stay valid. */

/** The agents' ports start at this offset from the manager's: 8000 and 8100 by default. */
const AGENTS_OFFSET = 100;
/** 8100 to 8999. A hive has at most 500 agents, so one port is always free. */
const AGENT_PORTS = 900;
/** The last port of a hive's agents, as an offset from the manager's. */
export const LAST_PORT_OFFSET = AGENTS_OFFSET + AGENT_PORTS - 1;

/** 32-bit FNV-1a over the UTF-8 bytes of a text. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * Chooses the port for a new agent. The manager gets `base`. For another agent the name gives the port. If it is taken,
 * the next free one above it is chosen, starting again at the first after the last. Undefined if all are taken.
 */
export function choosePort(
  agent: { name: string; role: "manager" | "agent" },
  base: number,
  taken: ReadonlySet<number>,
): number | undefined {
  if (agent.role === "manager" && !taken.has(base)) return base;
  const first = fnv1a32(agent.name) % AGENT_PORTS;
  for (let step = 0; step < AGENT_PORTS; step++) {
    const port = base + AGENTS_OFFSET + ((first + step) % AGENT_PORTS);
    if (!taken.has(port)) return port;
  }
  return undefined;
}
