/** Ports of a host that is listed without one. */
const WEB_PORTS = [80, 443];

/** Whether a host and port are on an agent's list: `host`, `host:port`, `*.host` (any name below it, not itself). */
export function isListed(list: readonly string[], host: string, port: number): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  return list.some((entry) => {
    const [pattern = "", listedPort] = entry.split(":");
    const portFits = listedPort === undefined ? WEB_PORTS.includes(port) : Number(listedPort) === port;
    return (
      portFits &&
      (pattern.startsWith("*.") ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1 : name === pattern)
    );
  });
}

/** Splits `host:port` or `[v6]:port`; undefined for anything else. */
export function splitAuthority(authority: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/.exec(authority);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65535) return undefined;
  return { host, port };
}
