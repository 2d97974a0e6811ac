import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { reach, sendDatagram } from "../inside/net.ts";
import { python } from "../inside/run.ts";
import type { CageRow } from "../row.ts";

/** Ways out of a cage past its sockets. The cage has a network of its own with nothing but a loopback. */

const NETWORK = "a network namespace with a loopback of its own";
const NO_ROUTE = /ENETUNREACH|EHOSTUNREACH/;

export const networkRows: readonly CageRow[] = [
  {
    from: "agent",
    id: "network-loopback",
    attempt: "connect to a listener on the host's loopback",
    barrier: NETWORK,
    refusal: /ECONNREFUSED/,
    run: ({ host }) => reach({ host: "127.0.0.1", port: host.port }),
  },
  {
    from: "agent",
    id: "network-dashboard",
    attempt: "connect to the dashboard",
    barrier: NETWORK,
    refusal: /ECONNREFUSED/,
    run: ({ dashboardPort }) => reach({ host: "127.0.0.1", port: dashboardPort }),
  },
  {
    from: "agent",
    id: "network-host-address",
    attempt: "connect to a listener on the host's own address",
    barrier: NETWORK,
    refusal: /ENETUNREACH|EHOSTUNREACH|ECONNREFUSED/,
    run: ({ host }) => reach({ host: host.address, port: host.port }),
  },
  ...[
    ["private", "10.0.0.1", "a private range"],
    ["metadata", "169.254.169.254", "the metadata service of a cloud"],
    ["internet", "192.0.2.1", "an address of the Internet"],
    ["ipv6", "2001:db8::1", "an IPv6 address of the Internet"],
    ["ipv6-link", "fe80::1%lo", "a link-local IPv6 address"],
  ].map(([id = "", address = "", words = ""]): CageRow => ({
    from: "agent",
    id: `network-${id}`,
    attempt: `connect to ${words}`,
    barrier: NETWORK,
    refusal: /ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EINVAL/,
    run: () => reach({ host: address, port: 80 }),
  })),
  {
    from: "agent",
    id: "network-datagram",
    attempt: "send a datagram to the host",
    barrier: NETWORK,
    refusal: NO_ROUTE,
    run: ({ host, udpPort }) => sendDatagram(host.address, udpPort),
  },
  {
    from: "agent",
    id: "network-broadcast",
    attempt: "send a datagram to a name server",
    barrier: NETWORK,
    refusal: NO_ROUTE,
    run: () => sendDatagram("192.0.2.53", 53),
  },
  {
    from: "agent",
    id: "network-names",
    attempt: "resolve a name",
    barrier: "no name server in the cage",
    refusal: /EAI_AGAIN|ENOTFOUND/,
    run: async () => (await lookup("example.com")).address,
  },
  {
    from: "agent",
    id: "network-abstract",
    attempt: "connect to an abstract Unix socket of the host",
    barrier: NETWORK,
    refusal: /ECONNREFUSED/,
    run: ({ abstractName }) => reach({ path: `\0${abstractName}` }),
  },
  {
    from: "agent",
    id: "network-devices",
    attempt: "find a network device other than the loopback",
    barrier: NETWORK,
    refusal: /only lo/,
    run: () => {
      const devices = readFileSync("/proc/net/dev", "utf8")
        .split("\n")
        .slice(2)
        .map((line) => line.split(":")[0]?.trim() ?? "")
        .filter((name) => name !== "" && name !== "lo");
      return devices.length > 0 ? Promise.resolve(devices.join(" ")) : Promise.reject(new Error("only lo"));
    },
  },
  ...(
    [
      ["vsock", 40, "SOCK_STREAM", 0, /EAFNOSUPPORT/],
      ["packet", 17, "SOCK_RAW", 0, /EAFNOSUPPORT/],
      ["alg", 38, "SOCK_SEQPACKET", 0, /EAFNOSUPPORT/],
      ["netlink-audit", 16, "SOCK_RAW", 9, /EPROTONOSUPPORT/],
      ["netlink-netfilter", 16, "SOCK_RAW", 12, /EPROTONOSUPPORT/],
      ["raw", 2, "SOCK_RAW", 1, /EPERM/],
    ] as const
  ).map(([id, family, type, protocol, refusal]): CageRow => ({
    from: "agent",
    id: `socket-${id}`,
    attempt: `open a socket: ${id.replace("-", " ")}`,
    barrier: id === "raw" ? "no capabilities" : "the system-call filter",
    refusal,
    run: () => python(`s = socket.socket(${family}, socket.${type}, ${protocol})\nreturn "a socket"`),
  })),
];
