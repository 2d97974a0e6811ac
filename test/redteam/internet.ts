import { appendFileSync, readFileSync } from "node:fs";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import { Socket, type SocketConnectOpts } from "node:net";

/**
 * The Internet of the daemon under attack, loaded into it before its own code (`NODE_OPTIONS=--import`). The names of a
 * table, and all under `.test` and `.example`, have its answers instead of a name server's, and some public addresses
 * lead to servers on loopback. Nothing of the daemon is replaced.
 */

export interface Internet {
  /** Answers by name: for the first look-up, the second, and so on. The last one is repeated. */
  names: Record<string, string[][]>;
  /** Public addresses, with the port on loopback to which connections to each lead. */
  hosts: Record<string, number>;
  /** Gets a line for each name that is looked up. */
  log: string;
}

const { names, hosts, log } = JSON.parse(readFileSync(process.env["REDTEAM_INTERNET"] ?? "", "utf8")) as Internet;
const lookups = new Map<string, number>();
const isOurs = (host: string): boolean => /\.(?:test|example)\.?$/i.test(host) || host in names;

interface Found {
  address: string;
  family: number;
}

function answer(host: string): Found[] {
  appendFileSync(log, `${host}\n`);
  const answers = names[host.toLowerCase().replace(/\.$/, "")];
  if (!answers) throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: "ENOTFOUND" });
  const count = lookups.get(host) ?? 0;
  lookups.set(host, count + 1);
  const now = answers[Math.min(count, answers.length - 1)] ?? [];
  return now.map((one) => ({ address: one, family: one.includes(":") ? 6 : 4 }));
}

const real = { lookup: dns.lookup, promised: dns.promises.lookup };
dns.promises.lookup = (async (host: string, options: dns.LookupAllOptions) =>
  isOurs(host) ? answer(host) : real.promised(host, options)) as typeof dns.promises.lookup;
// Connections to a name, which the daemon must not make, would come here.
dns.lookup = ((
  host: string,
  options: dns.LookupAllOptions,
  done: (error: Error | null, found: unknown, family?: number) => void,
) => {
  if (!isOurs(host)) return real.lookup(host, options, done as never);
  try {
    const found = answer(host);
    process.nextTick(() => (options.all ? done(null, found) : done(null, found[0]?.address, found[0]?.family)));
  } catch (error) {
    process.nextTick(() => done(error as Error, []));
  }
}) as typeof dns.lookup;

const connect = Socket.prototype.connect as (this: Socket, ...args: unknown[]) => Socket;
Socket.prototype.connect = function (this: Socket, ...args: unknown[]): Socket {
  const [first] = args;
  const options = (Array.isArray(first) ? first[0] : first) as SocketConnectOpts | undefined;
  const port = typeof options === "object" && "host" in options ? hosts[options.host ?? ""] : undefined;
  if (options && port !== undefined) Object.assign(options, { host: "127.0.0.1", port });
  return connect.apply(this, args);
};
syncBuiltinESMExports();
