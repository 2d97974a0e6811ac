import { BlockList, isIP } from "node:net";

/**
 * Addresses that are not the public internet, by the IANA special-purpose registries. AS112 (192.31.196.0, 192.175.48.0)
 * and AMT (192.52.193.0) are anycast: any network may answer. One list per family: in a common one every IPv4 address
 * would fall under the IPv6 range that IPv4 is mapped into.
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
] as const) {
  special4.addSubnet(net, bits, "ipv4");
}
/** All that IANA gives out as global unicast: whatever lies outside of it is no address of the internet. */
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");
// Inside of it: protocol assignments with Teredo, benchmarks and ORCHID; documentation; 6to4, which carries IPv4.
for (const [net, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
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
  // A zone names an interface of this machine.
  if (address.includes("%")) return false;
  return family === 4 ? !special4.check(address, "ipv4") : global6.check(address, "ipv6") && !special6.check(address, "ipv6");
}
