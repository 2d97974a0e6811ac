const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const HOST = new RegExp(`^(?:\\*\\.)?(?=[^:]{1,253}(?::|$))${LABEL}(?:\\.${LABEL})*(?::([1-9]\\d{0,4}))?$`);
const MAX_PORT = 65_535;

/** True for a valid entry of the egress list of an `agent.json`. In a separate file because the page uses it, too. */
export function isEgressHost(text: string): boolean {
  const match = HOST.exec(text);
  return match !== null && Number(match[1] ?? 1) <= MAX_PORT;
}

/**
 * IPv4 ranges that are not the public internet, from the IANA special-purpose registry. AS112 (192.31.196.0,
 * 192.175.48.0) and AMT (192.52.193.0) are anycast: any network may answer.
 */
export const SPECIAL_IPV4: readonly (readonly [net: string, bits: number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.31.196.0", 24],
  ["192.52.193.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["192.175.48.0", 24],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/**
 * Why the proxy never connects to an entry of the egress list, in words; undefined if it may. Names are resolved at
 * each connection, so only addresses and the names of this machine are known in advance.
 */
export function neverReached(entry: string): string | undefined {
  const [host = ""] = entry.split(":");
  const labels = host.split(".");
  const last = labels.at(-1) ?? "";
  if (last === "localhost") return `${host} is this machine: agents reach public addresses only`;
  // A name that ends in a number is an address, even in short forms such as 127.1. Only the full form is accepted.
  if (!/^(?:\d+|0x[0-9a-f]*)$/.test(last)) return undefined;
  const address = ipv4(labels);
  if (address === undefined) return `${host} is neither a name nor an IPv4 address in its whole form, such as 1.1.1.1`;
  const isSpecial = SPECIAL_IPV4.some(([net, bits]) => {
    const size = 2 ** (32 - bits);
    return Math.floor(address / size) === Math.floor((ipv4(net.split(".")) ?? 0) / size);
  });
  return isSpecial ? `${host} is a private or special address: agents reach public addresses only` : undefined;
}

/** The number of a dotted IPv4 address; undefined for anything else. */
function ipv4(labels: readonly string[]): number | undefined {
  if (labels.length !== 4) return undefined;
  let address = 0;
  for (const label of labels) {
    if (!/^(?:0|[1-9]\d{0,2})$/.test(label) || Number(label) > 255) return undefined;
    address = address * 256 + Number(label);
  }
  return address;
}
