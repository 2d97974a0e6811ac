import { createAdaptorServer } from "@hono/node-server";
import { once } from "node:events";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import type { Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { parseAnswer, sendBytes, type Answer } from "../../../test/redteam/outside/http.ts";
import { ROLES } from "../../wire/roles.ts";
import { webApp, type WebDeps } from "./app.ts";
import { surfaceOf } from "./serve.ts";
import { originsFor, publicOrigins } from "./origin.ts";
import { openProxySocket } from "./proxy-socket.ts";
import { checkPeers, peerWithin } from "./trusted-proxy.ts";

const HEADER = "X-Remote-User";
const HOME = new URL("https://hive.example");
const isRoot = process.getuid?.() === 0;

let system: TestSystem;
let folder: string;
const servers: Server[] = [];
/** The proxy's socket, and the port of a listener that trusts a machine with another address than its clients'. */
let socket: string;
let port: number;
/** The port of a listener that trusts 127.0.0.1, as if that were another machine. */
let trusting: number;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "proxy-"));
  system = await openTestSystem();
  for (const role of ROLES) await system.operators.add({ name: `a-${role}`, role, user: userInfo().username }, "operator");
  const deps: Omit<WebDeps, "origins"> = {
    ...surfaceOf(system.system),
    git: { tokens: system.repoTokens, permit: () => {}, needsPasskey: () => false, work: system.system.work },
    files: {
      publicPaths: new Set(),
      has: () => false,
      sendApp: (c: { text(words: string): Response }) => c.text("app"),
    } as never,
    onUnexpected: (error) => expect.unreachable(String(error)),
  };
  const proxy = (isPeer: (socket: Socket) => boolean): Pick<WebDeps, "proxy"> => ({
    proxy: { header: HEADER, isPeer, streams: system.system.proxiedStreams },
  });
  const serve = (app: ReturnType<typeof webApp>): Server => {
    const server = createAdaptorServer({ fetch: app.fetch }) as Server;
    servers.push(server);
    return server;
  };
  const onPort = async (isPeer: (socket: Socket) => boolean): Promise<number> => {
    const server = serve(webApp({ ...deps, origins: originsFor(7000, HOME), ...proxy(isPeer) }));
    await once(server.listen(0, "127.0.0.1"), "listening");
    return (server.address() as AddressInfo).port;
  };
  port = await onPort(peerWithin(["10.9.8.7"]));
  trusting = await onPort(peerWithin(["127.0.0.1"], () => []));
  socket = join(folder, "proxy.sock");
  const own = serve(webApp({ ...deps, origins: publicOrigins(HOME), ...proxy(() => true) }));
  await openProxySocket(own, userInfo().username, { run: folder, path: socket, w4rden: undefined });
});
afterAll(async () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  for (const role of ROLES) await system.operators.remove(`a-${role}`, "operator");
  await system.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A request with exactly these lines. */
async function ask(to: string | number, first: string, headers: readonly string[] = [], body?: string): Promise<Answer> {
  const length = body === undefined ? [] : ["Content-Type: application/json", `Content-Length: ${body.length}`];
  const lines = [`${first} HTTP/1.1`, `Host: ${HOME.host}`, "Connection: close", ...headers, ...length, "", body ?? ""];
  return parseAnswer(await sendBytes(to, lines.join("\r\n")));
}
const as = (name: string): string => `${HEADER}: ${name}`;
const PAGE = [`Origin: ${HOME.origin}`, "Sec-Fetch-Site: same-origin"];

describe("through the proxy", () => {
  test.each(["socket", "machine"])("a request is its header's operator, with its role and without a session: %s", async (way) => {
    const to = way === "socket" ? socket : trusting;
    for (const role of ROLES) {
      const answer = await ask(to, "GET /api/state", [as(`a-${role}`)]);
      expect(JSON.parse(answer.body)).toMatchObject({ state: { you: { name: `a-${role}`, role } } });
      expect((await ask(to, "GET /", [as(`a-${role}`)])).body).toBe("app");
      const acted = await ask(to, "POST /api/message_drop", [as(`a-${role}`), ...PAGE], '{"id":99}');
      expect(acted.status).toBe(role === "viewer" ? 403 : 404);
    }
    expect(system.sessions.list()).toEqual([]);
  });

  test("the name of the header counts in any case", async () => {
    expect((await ask(socket, "GET /api/state", ["x-REMOTE-user: a-viewer"])).status).toBe(200);
  });

  test.each([
    ["no header", [], 401, "has sent no X-Remote-User"],
    ["an empty one", [as("")], 403, "names no operator"],
    ["two", [as("a-admin"), as("a-viewer")], 403, "2 headers X-Remote-User"],
    ["two that are the same", [as("a-viewer"), as("a-viewer")], 403, "2 headers X-Remote-User"],
    ["two, in other cases", [as("a-viewer"), "x-remote-USER: a-admin"], 403, "2 headers X-Remote-User"],
    ["a list", [as("a-viewer, a-admin")], 403, "names no operator"],
    ["another case", [as("A-ADMIN")], 403, "names no operator"],
    ["the operator of host.sock", [as("operator")], 403, "is the admin of host.sock"],
    ["how agents and the audit trail name one", [as("operator/a-admin")], 403, "names no operator"],
    ["a stranger", [as("mallory")], 403, "hivectl operator add mallory"],
    ["a long name", [as("a".repeat(4000))], 403, "names no operator"],
    ["a name that is not ASCII", [as("\u0430-admin")], 403, "names no operator"],
    ["a name in a comment", [as("a-admin;x")], 403, "names no operator"],
    ["a property of every object", [as("__proto__")], 403, "names no operator"],
    ["another header", ["X_Remote_User: a-admin", "Remote-User: a-admin", "X-Remote-Users: a-admin"], 401, "has sent no"],
  ] as const)("%s is refused, and no route is served", async (_, headers, status, words) => {
    for (const [first, body] of [
      ["GET /api/state", undefined],
      ["GET /", undefined],
      ["GET /login", undefined],
      ["GET /api/events", undefined],
      ["POST /api/list", "{}"],
      ["POST /api/login", '{"token":"x"}'],
    ] as const) {
      const answer = await ask(socket, first, [...headers, ...PAGE], body);
      expect([answer.status, answer.body], first).toEqual([status, expect.stringContaining(words)]);
    }
  });

  test.each(["a\u0000b", "a\u0007dmin", "a-admin\u007f", "a-admin\n x"])("%j is no header of HTTP", async (name) => {
    expect((await ask(socket, "GET /api/state", [as(name)])).status).toBe(400);
  });

  test("the rules for Host, Origin and Sec-Fetch-Site hold, and an act names one of the last two", async () => {
    const act = (headers: readonly string[]) => ask(socket, "POST /api/list", [as("a-admin"), ...headers], "{}");
    expect((await act(PAGE)).status).toBe(200);
    expect((await act(["Origin: https://evil.example"])).status).toBe(403);
    expect((await act(["Sec-Fetch-Site: cross-site"])).status).toBe(403);
    expect((await act(["Sec-Fetch-Site: same-site"])).status).toBe(403);
    expect((await act([])).body).toContain("has Origin or Sec-Fetch-Site");
    expect((await ask(socket, "GET /api/events", [as("a-admin"), "Sec-Fetch-Site: cross-site"])).status).toBe(403);
    const bytes = `GET /api/state HTTP/1.1\r\nHost: 127.0.0.1:7000\r\n${as("a-admin")}\r\nConnection: close\r\n\r\n`;
    expect(parseAnswer(await sendBytes(socket, bytes)).status).toBe(421);
  });

  test("the request line names no other host", async () => {
    const answer = await ask(socket, "GET http://evil.example/api/state", [as("a-viewer")]);
    expect(answer.status === 200 ? JSON.parse(answer.body) : answer).toMatchObject({ state: { you: { name: "a-viewer" } } });
  });

  test("a second request on the connection has its own operator, or none", async () => {
    const request = (headers: readonly string[], end: string): string =>
      [`GET /api/state HTTP/1.1`, `Host: ${HOME.host}`, ...headers, end, "", ""]
        .filter((line, n) => line !== "" || n > 2)
        .join("\r\n");
    const bytes = `${request([as("a-admin")], "Connection: keep-alive")}${request([], "Connection: close")}`;
    const text = await sendBytes(socket, bytes);
    expect(text.match(/HTTP\/1\.1 \d{3}/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 401"]);
  });

  test("there is no session to begin or to end, and no link that outlives the proxy's log-in", async () => {
    for (const first of ["POST /api/login", "POST /api/logout"])
      expect((await ask(socket, first, [as("a-admin"), ...PAGE], '{"token":"x"}')).body, first).toContain("logs you in and out");
    expect((await ask(socket, "GET /login", [as("a-admin")])).headers["location"]).toBe("/");
  });

  test("git takes its token, and no header of the proxy or of a page helps", async () => {
    const { token } = system.repoTokens.issue("web", "a-admin");
    const basic = `Authorization: Basic ${Buffer.from(`x:${token}`).toString("base64")}`;
    const post = (...headers: string[]): Promise<Answer> => ask(socket, "POST /git/web/git-upload-pack", headers, "0000");
    expect((await post(as("a-admin"))).status).toBe(401);
    expect((await post(as("a-admin"), ...PAGE)).status).toBe(403);
    // With its token it is past every door: the hive has no such repository.
    expect(await post(basic)).toMatchObject({ status: 404, body: "there is no repository web\n" });
  });

  test("a cookie adds nothing: the operator is the header's", async () => {
    const secret = await system.sessions.enter(system.sessions.mint("a-admin").token, "a browser");
    const cookie = `Cookie: hive_${system.id}=${secret}`;
    expect((await ask(socket, "GET /api/state", [cookie])).status).toBe(401);
    const answer = await ask(socket, "GET /api/state", [cookie, as("a-viewer")]);
    expect(JSON.parse(answer.body)).toMatchObject({ state: { you: { name: "a-viewer" } } });
    await system.sessions.endOf("a-admin");
  });

  test("streams end when the operator is removed, and when its role changes", async () => {
    const user = userInfo().username;
    await system.operators.add({ name: "bob", role: "admin", user }, "operator");
    const follow = async (): Promise<Socket> => {
      const stream = connect(socket);
      stream.write(["GET /api/events HTTP/1.1", `Host: ${HOME.host}`, as("bob"), "", ""].join("\r\n"));
      const [first] = (await once(stream, "data")) as [Buffer];
      expect(first.toString()).toContain("200 OK");
      return stream.resume();
    };
    const [one, other] = [await follow(), await follow()];
    await Promise.all([once(one, "end"), once(other, "end"), system.operators.set("bob", "viewer", "operator")]);
    const last = await follow();
    await Promise.all([once(last, "end"), system.operators.remove("bob", "operator")]);
    expect((await ask(socket, "GET /api/state", [as("bob")])).status).toBe(403);
  });
});

describe("from any other peer", () => {
  test("the header is no log-in, and takes none away", async () => {
    expect((await ask(port, "GET /api/state", [as("a-admin")])).status).toBe(401);
    expect((await ask(port, "GET /", [as("a-admin")])).headers["location"]).toBe("/login");
    const secret = await system.sessions.enter(system.sessions.mint("a-viewer").token, "a browser");
    const answer = await ask(port, "GET /api/state", [`Cookie: hive_${system.id}=${secret}`, as("a-admin"), as("a-admin")]);
    expect(JSON.parse(answer.body)).toMatchObject({ state: { you: { name: "a-viewer" } } });
    await system.sessions.endOf("a-viewer");
  });
});

describe("a peer", () => {
  const from = (remoteAddress: string | undefined): Socket => ({ remoteAddress }) as Socket;
  test("is an exact address, in either notation", () => {
    const isPeer = peerWithin(["10.0.0.5", "fd00::5"], () => []);
    for (const address of ["10.0.0.5", "::ffff:10.0.0.5", "fd00::5", "fd00:0:0::5"])
      expect(isPeer(from(address)), address).toBe(true);
    for (const address of ["10.0.0.50", "10.0.0.4", "::ffff:10.0.0.6", "fd00::6", "127.0.0.1", "::1", "", undefined])
      expect(isPeer(from(address)), address).toBe(false);
  });

  test("is no address of this machine, not even of one that it gets later", () => {
    const own: string[] = [];
    const isPeer = peerWithin(["10.0.0.5"], () => own);
    expect(isPeer(from("10.0.0.5"))).toBe(true);
    own.push("10.0.0.5");
    expect(isPeer(from("10.0.0.5"))).toBe(false);
    expect(() => checkPeers(["10.0.0.5"], own)).toThrow("10.0.0.5 is an address of this machine");
    expect(() => checkPeers(["10.0.0.6"], own)).not.toThrow();
  });
});

describe("the proxy's socket", () => {
  test("is its user's alone", () => {
    expect(statSync(socket)).toMatchObject({ uid: process.getuid?.(), mode: 0o140600 });
  });

  const open = async (name: string, user?: { uid: number; gids: number[] }): Promise<void> => {
    const server = createAdaptorServer({ fetch: () => new Response("") }) as Server;
    servers.push(server);
    const deps = { run: folder, path: join(folder, "other.sock"), w4rden: undefined };
    await openProxySocket(server, name, { ...deps, ...(user ? { findUser: async () => ({ name, ...user }) } : {}) });
  };

  test("needs a user that exists, and a daemon that may give it away", async () => {
    await expect(open("no-such-user-here")).rejects.toThrow("this host has no user no-such-user-here");
    if (isRoot) return;
    await expect(open("caddy", { uid: 33, gids: [33] })).rejects.toThrow("root has to start the hive");
  });

  test("is given to another user, for whom the way is open", async () => {
    if (!isRoot) return;
    await open("caddy", { uid: 33, gids: [33] });
    expect(statSync(join(folder, "other.sock"))).toMatchObject({ uid: 33, mode: 0o140600 });
  });
});
