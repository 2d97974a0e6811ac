import { lookup } from "node:dns/promises";
import { readFileSync } from "node:fs";
import type { NetConnectOpts } from "node:net";
import { reach, sendDatagram } from "../inside/net.ts";
import { python } from "../inside/run.ts";
import { VICTIM, type CageRow } from "../row.ts";

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
    id: "network-loopback6",
    attempt: "connect to a listener on the host's IPv6 loopback",
    barrier: NETWORK,
    refusal: /ECONNREFUSED|EADDRNOTAVAIL/,
    run: ({ host }) => reach({ host: "::1", port: host.port }),
  },
  {
    from: "agent",
    id: "network-every-port",
    attempt: "find a listener on the loopback besides its own bridges",
    barrier: NETWORK,
    refusal: /only three bridges/,
    run: async () => {
      const listening = ["tcp", "tcp6"].flatMap((name) =>
        readFileSync(`/proc/net/${name}`, "utf8")
          .split("\n")
          .slice(1)
          .map((line) => line.trim().split(/\s+/))
          .filter(([, , , state]) => state === "0A")
          .map(([, local = ""]) => local),
      );
      if (listening.length === 3 && listening.every((local) => local.startsWith("0100007F:")))
        throw new Error("only three bridges");
      return listening.join(" ");
    },
  },
  ...[
    ["", "the loopback of another cage", { host: "127.0.0.1", port: VICTIM.port }],
    ["6", "the IPv6 loopback of another cage", { host: "::1", port: VICTIM.port }],
    ["-abstract", "an abstract socket of another cage", { path: `\0${VICTIM.abstractName}` }],
  ].map(([id, what, to]): CageRow => ({
    from: "agent",
    id: `network-other-cage${id as string}`,
    attempt: `connect to ${what as string}`,
    barrier: NETWORK,
    refusal: /ECONNREFUSED|EADDRNOTAVAIL/,
    run: () => reach(to as NetConnectOpts),
  })),
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
    id: "network-multicast",
    attempt: "ask the network for names (mDNS)",
    barrier: NETWORK,
    refusal: NO_ROUTE,
    run: () => sendDatagram("224.0.0.251", 5353),
  },
  {
    from: "agent",
    id: "network-limited-broadcast",
    attempt: "broadcast a datagram",
    barrier: NETWORK,
    refusal: /ENETUNREACH|EACCES|EHOSTUNREACH/,
    run: () => sendDatagram("255.255.255.255", 67),
  },
  {
    from: "agent",
    id: "network-new-device",
    attempt: "add a network device",
    barrier: "no capabilities",
    refusal: /EPERM/,
    run: () =>
      python(`
s = socket.socket(16, socket.SOCK_RAW, 0)
body = struct.pack('=BxHiII', 0, 0, 0, 1, 1) + struct.pack('=HH4s', 8, 3, b'evl\\0') + struct.pack('=HHHH8s', 16, 18 | 0x8000, 12, 1, b'dummy\\0\\0\\0')
s.send(struct.pack('=IHHII', 16 + len(body), 16, 0x605, 1, 0) + body)
error = struct.unpack('=i', s.recv(4096)[16:20])[0]
if error < 0: raise OSError(-error, 'the kernel refused')`),
  },
  {
    from: "agent",
    id: "network-new-route",
    attempt: "add a route",
    barrier: "no capabilities",
    refusal: /EPERM/,
    run: () =>
      python(`
s = socket.socket(16, socket.SOCK_RAW, 0)
body = struct.pack('=BBBBBBBBI', 2, 0, 0, 0, 254, 3, 253, 1, 0) + struct.pack('=HHI', 8, 4, 1)
s.send(struct.pack('=IHHII', 16 + len(body), 24, 0x605, 1, 0) + body)
error = struct.unpack('=i', s.recv(4096)[16:20])[0]
if error < 0: raise OSError(-error, 'the kernel refused')`),
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
      ["bluetooth", 31, "SOCK_RAW", 0, /EAFNOSUPPORT/],
      ["tipc", 30, "SOCK_SEQPACKET", 0, /EAFNOSUPPORT/],
      ["can", 29, "SOCK_RAW", 0, /EAFNOSUPPORT/],
      ["rds", 21, "SOCK_SEQPACKET", 0, /EAFNOSUPPORT/],
      ["smc", 43, "SOCK_STREAM", 0, /EAFNOSUPPORT/],
      ["xdp", 44, "SOCK_RAW", 0, /EAFNOSUPPORT/],
      ["qipcrtr", 42, "SOCK_DGRAM", 0, /EAFNOSUPPORT/],
      ["kcm", 41, "SOCK_DGRAM", 0, /EAFNOSUPPORT/],
      ["alg", 38, "SOCK_SEQPACKET", 0, /EAFNOSUPPORT/],
      ["netlink-audit", 16, "SOCK_RAW", 9, /EPROTONOSUPPORT/],
      ["netlink-netfilter", 16, "SOCK_RAW", 12, /EPROTONOSUPPORT/],
      ["netlink-uevent", 16, "SOCK_RAW", 15, /EPROTONOSUPPORT/],
      ["netlink-generic", 16, "SOCK_RAW", 16, /EPROTONOSUPPORT/],
      ["netlink-crypto", 16, "SOCK_RAW", 21, /EPROTONOSUPPORT/],
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
