import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { giveProxySocket, giveSocket } from "./give-socket.ts";

const me = process.getuid?.() ?? 0;
/** The uid of a person. Only root gives files away, so a plain user gives to itself. */
const PERSON = me === 0 ? 4001 : me;
let run: string;
let server: Server;
const account = { name: "hyperhive", uid: me, gid: me };
const give = (operator: string, uid = PERSON) => giveSocket({ verb: "give_socket", operator, uid }, { account, run });
const path = (name: string): string => join(run, "operators", name);

beforeEach(async () => {
  run = mkdtempSync(join(tmpdir(), "give-"));
  mkdirSync(join(run, "operators"));
  server = createServer();
  await new Promise<void>((resolve) => server.listen(path("bob.sock"), resolve));
});
afterEach(() => {
  server.close();
  rmSync(run, { recursive: true, force: true });
});

test("a socket of the daemon becomes a person's", () => {
  expect(give("bob").owner.uid).toBe(PERSON);
  expect(statSync(path("bob.sock")).uid).toBe(PERSON);
  // Nothing of the folder itself changes.
  expect(statSync(path(".")).uid).toBe(me);
});

test("a path that is no socket, is behind a link, has another owner or does not exist keeps its owner", () => {
  writeFileSync(path("file.sock"), "");
  symlinkSync(path("bob.sock"), path("link.sock"));
  for (const name of ["file", "link"]) expect(() => give(name), name).toThrow("is not a socket of the daemon");
  expect(() => give("ghost")).toThrow("ghost.sock cannot be opened (ENOENT)");
  if (me !== 0) return;
  give("bob");
  // It is bob's by now, and not the daemon's to give.
  expect(() => give("bob", 4002)).toThrow("is not a socket of the daemon");
  expect(statSync(path("bob.sock")).uid).toBe(PERSON);
});

test.each([1, 999, 61_184, 65_534, 65_535])("uid %d is no person's", (uid) => {
  expect(() => give("bob", uid)).toThrow("a socket is given to people only");
  expect(statSync(path("bob.sock")).uid).toBe(me);
});

test("a folder that is a link is refused", () => {
  symlinkSync(run, join(run, "elsewhere"));
  expect(() =>
    giveSocket({ verb: "give_socket", operator: "bob", uid: PERSON }, { account, run: join(run, "elsewhere") }),
  ).toThrow("symbolic link");
});

describe("the socket of the trusted proxy", () => {
  /** A user of the system, as proxies run. Only root gives files away. */
  const PROXY = me === 0 ? 33 : me;
  const giveProxy = (proxy: { uid: number } | undefined) => giveProxySocket({ account, run, proxy });
  const proxyPath = (): string => join(run, "proxy.sock");

  test("becomes that of the user that root has named, also of one of the system", async () => {
    const own = createServer();
    await new Promise<void>((resolve) => own.listen(proxyPath(), resolve));
    expect(giveProxy({ uid: PROXY }).owner.uid).toBe(PROXY);
    expect(statSync(proxyPath()).uid).toBe(PROXY);
    own.close();
  });

  test("is given to no one if root has named no user", async () => {
    expect(() => giveProxy(undefined)).toThrow("root has named no user of a trusted proxy in HIVE_TRUSTED_PROXY");
  });

  test("is nothing else at its name", () => {
    writeFileSync(proxyPath(), "");
    expect(() => giveProxy({ uid: PROXY })).toThrow("is not a socket of the daemon");
    rmSync(proxyPath());
    symlinkSync(path("bob.sock"), proxyPath());
    expect(() => giveProxy({ uid: PROXY })).toThrow("is not a socket of the daemon");
    expect(statSync(path("bob.sock")).uid).toBe(me);
  });
});
