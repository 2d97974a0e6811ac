import { BlockList, isIP } from "node:net";
import { SPECIAL_IPV4 } from "../../wire/egress-host.ts";

// One list per family: in a common list every IPv4 address would match the IPv6 range that maps IPv4.
const special4 = new BlockList();
const special6 = new BlockList();
for (const [net, bits] of SPECIAL_IPV4) special4.addSubnet(net, bits, "ipv4");
/** The global unicast range of IANA. Addresses outside it are not on the internet. */
const global6 = new BlockList();
global6.addSubnet("2000::", 3, "ipv6");
// Exceptions inside it: protocol assignments with Teredo, benchmarks and ORCHID; documentation; 6to4, which carries
// IPv4.
for (const [net, bits] of [
  ["2001::", 23],
  ["2001:db8::", 32],
  ["2002::", 16],
  ["3fff::", 20],
] as const) {
  special6.addSubnet(net, bits, "ipv6");
}

/**
 * True for an address of the public internet. False for loopback, private, link-local (cloud metadata), shared,
 * documentation and multicast addresses, and for IPv6 forms that carry an IPv4 address.
 */
export function isPublicAddress(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  // A zone names an interface of this machine.
  if (address.includes("%")) return false;
  return family === 4 ? !special4.check(address, "ipv4") : global6.check(address, "ipv6") && !special6.check(address, "ipv6");
}
