import { BlockList, isIP } from "node:net";

/**
 * Addresses that are not the public internet, by the IANA special-purpose registries. One list per family: in a
 * common one every IPv4 address would fall under the IPv6 range that IPv4 is mapped into.
 */
const special4 = new BlockList();
const special6 = new BlockList();
for (const [net, bits] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
] as const) {
  special4.addSubnet(net, bits, "ipv4");
}
for (const [net, bits] of [
  ["::", 96],
  ["::ffff:0:0", 96],
  ["64:ff9b::", 96],
  ["64:ff9b:1::", 48],
  ["100::", 64],
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
  ["5f00::", 16],
  ["fc00::", 7],
  ["fe80::", 10],
  ["fec0::", 10],
  ["ff00::", 8],
] as const) {
  special6.addSubnet(net, bits, "ipv6");
}

/**
 * True for an address of the public internet. Loopback, private, link-local (cloud metadata), shared, documentation,
 * multicast, and the forms of IPv6 that carry an IPv4 address are not.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  return family === 4 ? !special4.check(address, "ipv4") : !special6.check(address, "ipv6");
}
