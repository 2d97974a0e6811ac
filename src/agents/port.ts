/** Which port an agent's own page is served on. It depends on names and on taken ports alone, so a bookmark stays good. */

/** The agents' ports start this far above the manager's: 8000 and 8100 by default. */
const AGENTS_OFFSET = 100;
/** 8100 to 8999. A hive has at most 500 agents, so there is always one free. */
const AGENT_PORTS = 900;
/** The last port that the agents of a hive may have, counted from the manager's. */
export const LAST_PORT_OFFSET = AGENTS_OFFSET + AGENT_PORTS - 1;

/** FNV-1a, 32 bits, over the bytes of a text. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * The port for a new agent: the manager's is `base`, another's comes from its name. If that port is taken, it is the
 * next free one above the one that the name gives, and after the last one the first ones. undefined if all are taken.
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
