import { operations } from "../../../src/wire/operations.ts";
import { refusal } from "../outside/http.ts";
import { allRefused, asked, bytes, raw, sent } from "../outside/requests.ts";
import type { Place } from "../outside/place.ts";
import { outsideRow, type OutsideRow } from "../row.ts";
import { bodyRows } from "./web-bodies.ts";
import { proxyRows } from "./web-proxy.ts";
import { sessionRows } from "./web-sessions.ts";

/** The dashboard's port, for a program of this machine and for a page of another origin: bytes of HTTP. */

const HOST = "the list of hosts";
const ORIGIN = "the check of Origin and Sec-Fetch-Site";
const SESSION = "the session";
const ANOTHER_ORIGIN = /another origin/;

type WebRow = OutsideRow<Place>;
const row = outsideRow<Place>("web", "web");

/** The operations that change something, as the operator's page calls them. */
const ACTS = Object.keys(operations).filter((name) => !["login", "hello"].includes(name));

const hosts: readonly WebRow[] = [
  row("host", "name another host", HOST, /421 this hive is not served as/, (place) =>
    asked(place, "/login", { headers: { Host: "evil.example" } }),
  ),
  row(
    "host-rebound",
    "act from a page whose name leads to this machine (DNS rebinding)",
    HOST,
    /421 this hive is not served as/,
    (place) =>
      sent(place, {
        Host: `evil.example:${place.port}`,
        Origin: `http://evil.example:${place.port}`,
        "Sec-Fetch-Site": "same-origin",
      }),
  ),
  row("host-other-port", "name another port of this machine as host", HOST, /421 this hive is not served as/, (place) =>
    asked(place, "/api/state", { headers: { Host: "127.0.0.1:1" } }),
  ),
  row("host-twice", "name two hosts", HOST, /400|421/, (place) =>
    raw(
      place,
      bytes(place, "GET /api/state HTTP/1.1", `Host: 127.0.0.1:${place.port}`, "Host: evil.example", "Connection: close", "", ""),
    ),
  ),
  row("host-none", "name no host", HOST, /400|421/, (place) =>
    raw(place, bytes(place, "GET /api/state HTTP/1.1", "Connection: close", "", "")),
  ),
  row("host-old-http", "name no host in HTTP/1.0", HOST, /400|421/, (place) =>
    raw(place, bytes(place, "GET /api/state HTTP/1.0", "", "")),
  ),
  row(
    "host-forwarded",
    "name another host as a proxy does",
    "X-Forwarded-Host is not read",
    /307 to http:\/\/127\.0\.0\.1/,
    async (place) => {
      const headers = { Host: `localhost:${place.port}`, "X-Forwarded-Host": "evil.example", Forwarded: "host=evil.example" };
      const answer = await place.ask("/login", { headers });
      const to = answer.headers["location"] ?? "";
      if (answer.status === 307 && to.startsWith("http://127.0.0.1:")) throw new Error(`307 to ${to}`);
      return `${answer.status} to ${to}`;
    },
  ),
  row(
    "host-absolute",
    "let a redirect lead to another host through the address",
    "redirects lead to the hive's own address",
    /leads to the hive/,
    async (place) => {
      for (const path of [
        "//evil.example/",
        "http://evil.example/",
        "/\\evil.example",
        "/%5cevil.example",
        "///evil.example/%2e%2e",
      ])
        for (const Host of [`localhost:${place.port}`, `127.0.0.1:${place.port}`]) {
          const answer = await place.ask(path, { headers: { Host } });
          const to = answer.headers["location"];
          if (to !== undefined && new URL(to, place.hive.home).origin !== place.hive.home) return `${path} leads to ${to}`;
        }
      throw new Error("every redirect leads to the hive");
    },
  ),
];

const origins: readonly WebRow[] = [
  row("origin", "act from a page of another site", ORIGIN, ANOTHER_ORIGIN, (place) =>
    sent(place, { Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" }),
  ),
  row(
    "origin-old-browser",
    "act from a page of another site in a browser without Sec-Fetch-Site",
    ORIGIN,
    ANOTHER_ORIGIN,
    (place) => sent(place, { Origin: "https://evil.example" }),
  ),
  row("origin-null", "act from a page without an origin", ORIGIN, ANOTHER_ORIGIN, (place) => sent(place, { Origin: "null" })),
  row("origin-prefix", "act from an origin that begins like the hive's", ORIGIN, ANOTHER_ORIGIN, (place) =>
    allRefused(
      ANOTHER_ORIGIN,
      [`${place.hive.home}.evil.example`, `${place.hive.home}0`, "http://127.0.0.1", `https://127.0.0.1:${place.port}`].map(
        (Origin) => () => sent(place, { Origin }),
      ),
    ),
  ),
  row("site-same", "act from another port of this machine, which shares the cookie", ORIGIN, ANOTHER_ORIGIN, (place) =>
    sent(place, { "Sec-Fetch-Site": "same-site", Origin: "http://127.0.0.1:9" }),
  ),
  row("site-same-no-origin", "act from another port without naming it", ORIGIN, ANOTHER_ORIGIN, (place) =>
    sent(place, { "Sec-Fetch-Site": "same-site" }),
  ),
  row("site-forged", "contradict Origin by Sec-Fetch-Site: same-origin", ORIGIN, ANOTHER_ORIGIN, (place) =>
    sent(place, { "Sec-Fetch-Site": "same-origin", Origin: "https://evil.example" }),
  ),
  row("site-typed", "act by a typed address", ORIGIN, ANOTHER_ORIGIN, (place) => sent(place, { "Sec-Fetch-Site": "none" })),
  row("site-stream", "follow the events from another port of this machine", ORIGIN, ANOTHER_ORIGIN, (place) =>
    asked(place, "/api/events", { headers: { "Sec-Fetch-Site": "same-site" } }),
  ),
  row("site-read", "read the state and the metrics from another site", ORIGIN, ANOTHER_ORIGIN, (place) =>
    allRefused(
      ANOTHER_ORIGIN,
      ["/api/state", "/metrics"].map((path) => () => asked(place, path, { headers: { "Sec-Fetch-Site": "cross-site" } })),
    ),
  ),
  row("site-login", "log the operator's browser in from another site", ORIGIN, ANOTHER_ORIGIN, async (place) => {
    const token = await place.token();
    return refusal(await place.ask("/api/login", { body: { token }, headers: { "Sec-Fetch-Site": "cross-site" } }));
  }),
  row("preflight", "ask for leave in a preflight", "no CORS headers", ANOTHER_ORIGIN, async (place) => {
    const headers = {
      Origin: "https://evil.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "content-type",
    };
    const answer = await place.ask("/api/send", { method: "OPTIONS", cookie: place.cookie, headers });
    const leave = Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"));
    return leave.length > 0 ? leave.join(" ") : refusal(answer);
  }),
  row("cors", "read a page from another site", "no CORS headers", /no CORS header/, async (place) => {
    for (const path of ["/", "/login", "/healthz", "/api/state", "/assets/nowhere.js"]) {
      const { headers } = await place.ask(path, { cookie: place.cookie, headers: { Origin: "https://evil.example" } });
      if (Object.keys(headers).some((name) => name.startsWith("access-control-"))) return path;
    }
    throw new Error("no CORS header in any answer");
  }),
];

const methods: readonly WebRow[] = [
  row("get-acts", "carry out every operation by GET and HEAD", "only POST carries out", /404|405/, (place) =>
    allRefused(
      /404|405|403/,
      ["GET", "HEAD"].flatMap((method) =>
        ACTS.filter((name) => name !== "state").map(
          (name) => () => asked(place, `/api/${name}?to=ada&body=x&name=ada&id=1`, { method }),
        ),
      ),
    ),
  ),
  row("methods", "send by another method", "only POST carries out", /404|405|400/, (place) =>
    allRefused(
      /404|405|400/,
      ["PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"].map((method) => () => sent(place, {}, { method })),
    ),
  ),
  row("method-override", "turn a GET into a POST by a header or a parameter", "only POST carries out", /404/, (place) =>
    asked(place, "/api/send?_method=POST&to=ada&body=x", {
      headers: { "X-HTTP-Method-Override": "POST", "X-HTTP-Method": "POST", "X-Method-Override": "POST" },
    }),
  ),
  row("form", "send JSON as the text of a form, which needs no preflight", "only JSON is read", /400 send JSON/, (place) =>
    allRefused(
      /400 send JSON/,
      ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""].map(
        (type) => () => sent(place, type === "" ? {} : { "Content-Type": type }, { body: '{"to":"ada","body":"x"}' }),
      ),
    ),
  ),
  row(
    "streams",
    "call operations of host.sock and of harnesses",
    "the list of operations of the web",
    /not served over HTTP/,
    (place) =>
      allRefused(
        /not served over HTTP/,
        ["watch", "subscribe_agent_status", "hello", "next", "finish", "publish", "backup", "repo_add", "set_status"].map(
          (name) => () => asked(place, `/api/${name}`, { body: {} }),
        ),
      ),
  ),
  row("prototype", "call what every object has", "the list of operations of the web", /404 there is no operation/, (place) =>
    allRefused(
      /404 there is no operation/,
      ["constructor", "__proto__", "toString", "hasOwnProperty"].map((name) => () => asked(place, `/api/${name}`, { body: {} })),
    ),
  ),
];

const git: readonly WebRow[] = [
  row(
    "git-cookie",
    "use the operator's git with the cookie of the page",
    "git takes a token and no cookie",
    /401 this address takes a token/,
    (place) => asked(place, "/git/web/info/refs?service=git-upload-pack"),
  ),
  row(
    "git-page",
    "use the operator's git from a page that has a token",
    "git refuses what a page can send",
    /403 git is not served to pages/,
    async (place) => {
      const Authorization = `Basic ${Buffer.from(`x:${await gitToken(place, "web")}`).toString("base64")}`;
      return allRefused(
        /403 git is not served to pages/,
        [
          ["Origin", place.hive.home],
          ["Sec-Fetch-Site", "same-origin"],
          ["Sec-Fetch-Mode", "cors"],
        ].map(
          ([name = "", value = ""]) =>
            () =>
              asked(place, "/git/web/info/refs?service=git-upload-pack", {
                headers: { Authorization, [name]: value },
              }),
        ),
      );
    },
  ),
  row(
    "git-other",
    "use the token of a repository for another one",
    "a token is for one repository",
    /401 this address takes a token/,
    async (place) => {
      const Authorization = `Basic ${Buffer.from(`x:${await gitToken(place, "web")}`).toString("base64")}`;
      return allRefused(
        /401 this address takes a token/,
        ["/git/secret/info/refs", "/git/web/../secret/info/refs", "/git/web%2f..%2fsecret/info/refs"].map(
          (path) => () => asked(place, `${path}?service=git-upload-pack`, { headers: { Authorization } }),
        ),
      );
    },
  ),
  row(
    "git-session",
    "use the token of a repository as a session, and a session as a token",
    "a token is for one repository",
    /401/,
    async (place) => {
      const token = await gitToken(place, "web");
      const secret = place.cookie.split("=")[1] ?? "";
      const Authorization = `Basic ${Buffer.from(`x:${secret}`).toString("base64")}`;
      return allRefused(/401/, [
        async () => refusal(await place.ask("/api/state", { cookie: `hive_${place.id}=${token}` })),
        async () => refusal(await place.ask("/api/login", { body: { token } })),
        async () => refusal(await place.ask("/git/web/info/refs?service=git-upload-pack", { headers: { Authorization } })),
      ]);
    },
  ),
];

/** A token of the operator's git. Creates the repositories once. */
async function gitToken(place: Place, name: string): Promise<string> {
  const { repos } = await place.hive.call("repos", {});
  for (const missing of ["web", "secret"].filter((one) => !repos.some((repo) => repo.name === one)))
    await place.hive.call("repo_create", { name: missing });
  return (await place.hive.call("repo_token", { name })).token;
}

const ports: readonly WebRow[] = [
  row(
    "port-from-dashboard",
    "act on an agent's port from the dashboard's page, with the shared cookie",
    ORIGIN,
    ANOTHER_ORIGIN,
    async (place) => sent(place, { Origin: place.hive.home, "Sec-Fetch-Site": "same-site" }, { port: await place.portOf("ada") }),
  ),
  row(
    "port-to-dashboard",
    "act on the dashboard from an agent's port, with the shared cookie",
    ORIGIN,
    ANOTHER_ORIGIN,
    async (place) => sent(place, { Origin: `http://127.0.0.1:${await place.portOf("ada")}`, "Sec-Fetch-Site": "same-site" }),
  ),
  row("port-to-port", "act on an agent's port from another agent's port", ORIGIN, ANOTHER_ORIGIN, async (place) =>
    sent(place, { Origin: `http://127.0.0.1:${await place.portOf("ada")}` }, { port: await place.portOf("eve") }),
  ),
  row("port-host", "name another agent's port as host", HOST, /421 this hive is not served as/, async (place) =>
    asked(place, "/agent/ada", { port: await place.portOf("ada"), headers: { Host: `127.0.0.1:${await place.portOf("eve")}` } }),
  ),
  row("port-session", "use an agent's port without a session", SESSION, /401 log in first|303 to \/login/, async (place) => {
    const port = await place.portOf("ada");
    return allRefused(
      /401 log in first|303 to \/login/,
      ["/", "/agent/ada", "/agent/eve", "/api/state", "/api/events", "/metrics"].map(
        (path) => async () => refusal(await place.ask(path, { port })),
      ),
    );
  }),
  row(
    "port-git",
    "find the operator's git on an agent's port",
    "git is on the dashboard's port alone",
    /303 to \/login/,
    async (place) => {
      const port = await place.portOf("ada");
      const Authorization = `Basic ${Buffer.from(`x:${await gitToken(place, "web")}`).toString("base64")}`;
      return refusal(await place.ask("/git/web/info/refs?service=git-upload-pack", { port, headers: { Authorization } }));
    },
  ),
];

export const webRows: readonly WebRow[] = [
  ...hosts,
  ...origins,
  ...methods,
  ...bodyRows,
  ...git,
  ...ports,
  ...sessionRows,
  ...proxyRows,
];
