import { BlockList, isIP } from "node:net";

/** Begins the name of a Unix user. */
export const UNIX_PEER = "unix:";

/** Which peers are the reverse proxy whose header names an operator. */
export type TrustedPeers =
  /** The processes of a Unix user, over a socket that only that user can open. */
  | { kind: "unix"; user: string }
  /** Machines with these IP addresses. */
  | { kind: "tcp"; addresses: readonly string[] };

/** Proxies in front of one hive: a pair, or one for each of a few networks. */
const MAX_ADDRESSES = 16;
/** A Unix user's name, at most as long as Linux permits. */
const USER = /^[a-z_][a-z0-9_.-]{0,31}$/i;

/**
 * Reads `unix:<user>`, or IP addresses with commas between them. Throws an error that says why a value is refused. Every
 * user of a machine can connect from its loopback addresses, so none of them is accepted.
 */
export function parseTrustedPeers(text: string): TrustedPeers {
  if (text.startsWith(UNIX_PEER)) {
    const user = text.slice(UNIX_PEER.length);
    if (!USER.test(user))
      throw new Error(`${JSON.stringify(user.slice(0, 80))} is not the name of a Unix user, as in unix:caddy`);
    return { kind: "unix", user };
  }
  const addresses = text.split(",").map((one) => one.trim());
  if (addresses.length > MAX_ADDRESSES) throw new Error(`it names more than ${MAX_ADDRESSES} addresses`);
  for (const address of addresses) {
    if (isIP(address) === 0 || address.includes("%"))
      throw new Error(
        `${JSON.stringify(address.slice(0, 80))} is neither unix:<user> nor an IP address: names and networks are not trusted, because others can get an address of theirs`,
      );
    if (isIn(SHARED, address))
      throw new Error(
        `${address} is an address of this machine, and every user of it can connect from there: name the proxy's Unix user, as in unix:caddy`,
      );
  }
  return { kind: "tcp", addresses };
}

/** True if the list has the address, in any notation. IPv4 addresses inside of IPv6 count as themselves. */
export const isIn = (list: BlockList, address: string): boolean =>
  isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");

/** A list of IP addresses. */
export function listOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses) list.addAddress(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  return list;
}

/** Loopback, and the addresses that stand for every address of a machine. */
const SHARED = listOf(["0.0.0.0", "::", "::1"]);
SHARED.addSubnet("127.0.0.0", 8, "ipv4");
