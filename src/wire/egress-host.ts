const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(?:\\*\\.)?(?=[^:]{1,253}(?::|$))${LABEL}(?:\\.${LABEL})*(?::([1-9]\\d{0,4}))?$`);
const MAX_PORT = 65_535;

/** True for an entry that the egress list of an `agent.json` may have. In a file of its own: the page asks it, too. */
export function isEgressHost(text: string): boolean {
  const match = HOST.exec(text);
  return match !== null && Number(match[1] ?? 1) <= MAX_PORT;
}
