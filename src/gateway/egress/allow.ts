import { WEB_PORTS } from "../../wire/egress.ts";

/** Whether a host and port are on an agent's list: `host`, `host:port`, or `*.host` (any name below it, not itself). */
export function isListed(list: readonly string[], host: string, port: number): boolean {
  return entriesFor(list, host).some((listed) => (listed === undefined ? WEB_PORTS.includes(port) : listed === port));
}

/** Whether a host is on the list, with any port. */
export function isHostListed(list: readonly string[], host: string): boolean {
  return entriesFor(list, host).length > 0;
}

/** The ports of the entries that match a host; undefined for an entry without a port. */
function entriesFor(list: readonly string[], host: string): (number | undefined)[] {
  const name = host.toLowerCase().replace(/\.$/, "");
  return list.flatMap((entry) => {
    const [pattern = "", port] = entry.split(":");
    const fits = pattern.startsWith("*.")
      ? name.endsWith(pattern.slice(1)) && name.length > pattern.length - 1
      : name === pattern;
    return fits ? [port === undefined ? undefined : Number(port)] : [];
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
