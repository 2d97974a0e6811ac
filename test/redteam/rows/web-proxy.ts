import { userInfo } from "node:os";
import { connectLines } from "../../../src/rpc/client.ts";
import { parseAnswer, refusal, sendBytes } from "../outside/http.ts";
import type { Place } from "../outside/place.ts";
import { FROM_PAGE, USER_HEADER, type Proxied } from "../outside/proxied.ts";
import { allRefused } from "../outside/requests.ts";
import { outsideRow, type OutsideRow } from "../row.ts";

/** A hive whose reverse proxy names the operator in a header: from a peer that is not the proxy, and through the proxy. */

const PEER = "the header of another peer is not read";
const ONE = "a request of the proxy names one operator";
const LOG_IN = /401 log in first/;

const row = outsideRow<Place>("web", "web-proxy");
const as = (name: string): string => `${USER_HEADER}: ${name}`;
const STATE = "GET /api/state";

/** The same request from each of these headers. */
const each = (place: Proxied, by: "proxy" | "port", refused: RegExp, all: readonly (readonly string[])[]): Promise<string> =>
  allRefused(
    refused,
    all.flatMap((headers) => [
      () => place.asked(by, STATE, headers),
      () => place.asked(by, "POST /api/list", [...headers, ...FROM_PAGE], "{}"),
    ]),
  );

export const proxyRows: readonly OutsideRow<Place>[] = [
  row("loopback", "name an operator in the proxy's header over loopback", PEER, LOG_IN, async (place) =>
    each(await place.proxied(), "port", LOG_IN, [[as("alice")], [as("vera")], [as("operator")]]),
  ),
  row("loopback-forms", "the same in other cases, twice, and beside headers of proxies", PEER, LOG_IN, async (place) =>
    each(await place.proxied(), "port", LOG_IN, [
      ["x-remote-user: alice"],
      ["X-REMOTE-USER: alice", as("alice")],
      [as("alice"), "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "X-Real-IP: 10.0.0.1", "Via: 1.1 caddy"],
    ]),
  ),
  row(
    "loopback-cookie",
    "raise a viewer's session with the header over loopback",
    PEER,
    /takes the role admin/,
    async (place) => {
      const proxied = await place.proxied();
      const cookie = await viewerCookie(proxied);
      return proxied.asked("port", "POST /api/shutdown", [cookie, as("alice"), ...FROM_PAGE], "{}");
    },
  ),
  row("loopback-absolute", "name the proxy's socket in the request line over loopback", PEER, /401|303|421/, async (place) =>
    allRefused(
      /401 log in first|303 to \/login|421 this hive is not served as/,
      ["http://hive.example/api/state", "http://unix:/run/proxy.sock:/api/state", "https://hive.example/api/state"].map(
        (target) => async () => (await place.proxied()).asked("port", `GET ${target}`, [as("alice")]),
      ),
    ),
  ),
  row("none", "come through the proxy without a name", ONE, /401 the trusted proxy has sent no X-Remote-User/, async (place) =>
    each(await place.proxied(), "proxy", /has sent no X-Remote-User/, [
      [],
      ["X_Remote_User: alice"],
      ["Remote-User: alice", "X-Forwarded-User: alice"],
    ]),
  ),
  row("none-cookie", "come through the proxy with a session instead of a name", ONE, /has sent no/, async (place) => {
    const proxied = await place.proxied();
    return proxied.asked("proxy", STATE, [await viewerCookie(proxied)]);
  }),
  row("twice", "send a second name past a proxy that adds its own", ONE, /403 .*2 headers X-Remote-User/, async (place) =>
    each(await place.proxied(), "proxy", /2 headers X-Remote-User/, [
      [as("alice"), as("vera")],
      [as("vera"), as("alice")],
      [as("vera"), "x-remote-USER: alice"],
      [as("vera"), as("")],
    ]),
  ),
  row("odd", "send odd names", ONE, /403/, async (place) =>
    each(
      await place.proxied(),
      "proxy",
      /names no operator|is the admin of host\.sock|is no operator of this hive/,
      [
        "",
        "ALICE",
        "alice,vera",
        "alice;x",
        "operator",
        "operator/alice",
        "system",
        "hm1nd",
        "mallory",
        "\u0430lice",
        "__proto__",
        "a".repeat(9000),
      ].map((name) => [as(name)]),
    ),
  ),
  row("control", "send a name with control characters, or on two lines", "the parser of HTTP", /400/, async (place) =>
    each(
      await place.proxied(),
      "proxy",
      /^400/,
      ["al\u0000ice", "alice\u0007", "alice\u007f", "vera\n alice", "vera\r\n alice"].map((name) => [as(name)]),
    ),
  ),
  row("host", "name another host through the proxy", "the list of hosts", /421 this hive is not served as/, async (place) => {
    const proxied = await place.proxied();
    return each(
      proxied,
      "proxy",
      /421 this hive is not served as/,
      ["evil.example", `127.0.0.1:${proxied.port}`, `localhost:${proxied.port}`, "hive.example:80"].map((host) => [
        `Host: ${host}`,
        as("alice"),
      ]),
    );
  }),
  row(
    "site",
    "act through the proxy from a page of another site",
    "the check of Origin and Sec-Fetch-Site",
    /403/,
    async (place) =>
      allRefused(
        /another origin|has Origin or Sec-Fetch-Site/,
        [
          [],
          ["Origin: null"],
          ["Origin: https://evil.example"],
          ["Sec-Fetch-Site: cross-site"],
          ["Sec-Fetch-Site: same-site", "Origin: https://other.hive.example"],
        ].map((headers) => async () => (await place.proxied()).asked("proxy", "POST /api/list", [as("alice"), ...headers], "{}")),
      ),
  ),
  row(
    "session",
    "keep a session after the proxy's log-in",
    "the proxy's log-in begins no session",
    /409 the proxy/,
    async (place) => {
      const proxied = await place.proxied();
      const token = (await proxied.hive.call("login", {})).url.split("#token=")[1];
      return proxied.asked("proxy", "POST /api/login", [as("vera"), ...FROM_PAGE], JSON.stringify({ token }));
    },
  ),
  row("role", "act as a viewer whom the proxy has logged in", "the table of roles", /403 .*takes the role/, async (place) =>
    (await place.proxied()).asked("proxy", "POST /api/shutdown", [as("vera"), ...FROM_PAGE], "{}"),
  ),
  row("smuggle", "hide a request without a name behind one of another user", ONE, /400|401/, async (place) => {
    const { socket } = await place.proxied();
    const hidden = ["GET /api/state HTTP/1.1", "Host: hive.example", "Connection: close", "", ""].join("\r\n");
    const outer = (...lines: string[]): string =>
      [
        "POST /api/list HTTP/1.1",
        "Host: hive.example",
        as("alice"),
        ...FROM_PAGE,
        "Content-Type: application/json",
        ...lines,
        "",
        "",
      ].join("\r\n");
    return allRefused(
      /^400|401 the trusted proxy/,
      [
        `${outer("Content-Length: 2", "Transfer-Encoding: chunked")}0\r\n\r\n${hidden}`,
        `${outer("Content-Length: 2", "Content-Length: 60")}{}${hidden}`,
        `${outer("Transfer-Encoding : chunked", "Content-Length: 2")}{}${hidden}`,
        `${outer("Content-Length: 2")}{}${hidden}`,
      ].map((bytes) => async () => {
        const text = await sendBytes(socket, bytes);
        // What counts is the answer to the last request.
        return refusal(parseAnswer(text.slice(Math.max(0, text.lastIndexOf("HTTP/1.1 ")))));
      }),
    );
  }),
  row(
    "stream",
    "follow the events after the operator has been removed",
    "streams end with their operator",
    /has ended/,
    async (place) => {
      const proxied = await place.proxied();
      await proxied.hive.call("operator_add", { name: "mary", role: "viewer", user: userInfo().username });
      const stream = sendBytes(
        proxied.socket,
        ["GET /api/events HTTP/1.1", "Host: hive.example", as("mary"), "", ""].join("\r\n"),
        60_000,
      );
      await proxied.asked("proxy", STATE, [as("mary")]);
      await proxied.hive.call("operator_remove", { name: "mary" });
      await stream;
      await proxied.asked("proxy", STATE, [as("mary")]).catch((error: unknown) => {
        if (!/is no operator of this hive/.test(String(error))) throw error;
      });
      throw new Error("the stream has ended");
    },
  ),
];

/** The cookie of a viewer's session, from the dashboard's port. */
async function viewerCookie(proxied: Proxied): Promise<string> {
  const client = await connectLines(proxied.operatorSocket("vera"), { ordered: true });
  const token = (await client.call("login", {})).url.split("#token=")[1];
  client.close();
  const answer = await proxied.ask("port", "POST /api/login", FROM_PAGE, JSON.stringify({ token }));
  return `Cookie: ${answer.headers["set-cookie"]?.split(";")[0] ?? ""}`;
}
