import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GitServer } from "../../../test/lib/git-server.ts";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import type { RepoSettings } from "../../wire/work.ts";

const TOKEN = "ghp_a-token-of-the-operator-8f2a";

let system: TestSystem;
let server: GitServer;

beforeEach(async () => {
  system = await openTestSystem({
    net: { resolve: async () => ["127.0.0.1"], isPublic: (address) => !address.startsWith("127.") },
  });
  await system.work.start();
  server = await new GitServer({ token: TOKEN }).start();
});
afterEach(async () => {
  await system.work.pushes.idle();
  expect(system.unexpected).toEqual([]);
  await system.close();
  await server.stop();
});

const add = (
  settings: Partial<RepoSettings> = {},
  remote: { token?: string | undefined; private?: boolean; address?: string } = {},
) =>
  system.work.upstreams.addRemote(
    "web",
    { address: server.address, ca: server.ca, private: true, token: TOKEN, ...remote },
    settings,
  );
const view = () => system.work.repositories.view(system.work.repositories.get("web"));

test("a repository gets the branches and tags of another host, and its bases follow forward", async () => {
  const first = server.commit("a.txt", "one\n");
  server.git("branch", "release/1.x");
  server.git("tag", "-a", "-m", "v1", "v1.0", first);
  server.git("tag", "blob", server.git("rev-parse", `${first}:a.txt`));
  await add();
  const { repositories, upstreams } = system.work;
  expect([...repositories.tips("web")]).toEqual([
    ["main", first],
    ["release/1.x", first],
  ]);
  expect([...repositories.tags("web").keys()]).toEqual(["v1.0"]);
  expect(view()).toMatchObject({
    upstream: server.address,
    remote: { credential: "token", private_address: "127.0.0.1", own_authority: true, fetched_at: expect.any(String) as string },
  });
  const second = server.commit("b.txt", "two\n");
  expect(await upstreams.fetch("web")).toEqual({ moved: [{ base: "main", from: first, to: second }], diverged: [], gone: [] });
  // Only what is new was sent.
  expect(server.seen.filter((one) => one.startsWith("POST"))).toHaveLength(2);
});

test("the token is in one file of the daemon's user, and nowhere else: a wrong one says what to do", async () => {
  server.commit("a.txt", "one\n");
  await expect(add({}, { token: undefined })).rejects.toThrow(
    "asks for a credential: repo add and repo login take one with --token-stdin",
  );
  await expect(add({}, { token: "wrong" })).rejects.toThrow("refuses the token");
  // A repository that was not added keeps none.
  expect(existsSync(system.paths.credentials) ? readdirSync(system.paths.credentials) : []).toEqual([]);
  await add();
  const file = `${system.paths.credentials}/web.json`;
  expect([statSync(file).mode & 0o777, statSync(system.paths.credentials).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(readFileSync(file, "utf8")).toContain(TOKEN);
  server.token = "another one";
  await expect(system.work.upstreams.fetch("web")).rejects.toThrow("refuses the token");
  expect(view().remote).toMatchObject({ failed: expect.stringContaining("repo login take one") as string });
  expect(JSON.stringify(view())).not.toContain(TOKEN);
  await system.work.repositories.remove("web");
  expect(readdirSync(system.paths.credentials)).toEqual([]);
});

test("a private address is refused unless the operator allows it, and is the only one then", async () => {
  server.commit("a.txt", "one\n");
  await expect(add({}, { private: false })).rejects.toThrow("has a private address: add the repository with --private");
  const byName = `https://git.test:${server.port}/team/web.git`;
  await add({}, { address: byName });
  // The name leads elsewhere by now. The pinned address stays.
  system.work.context.net.resolve = async () => ["203.0.113.1"];
  server.commit("b.txt", "two\n");
  expect(await system.work.upstreams.fetch("web")).toMatchObject({ moved: [{ base: "main" }] });
});

test.each([
  [
    "a redirect",
    302,
    { location: "https://u:secret@elsewhere.test/x" },
    "redirects to https://elsewhere.test/x, which the hive does not follow",
  ],
  ["a page", 200, { "content-type": "text/html" }, "is not a git repository"],
  ["an overload", 503, {}, "answers with 503: try again later"],
])("%s instead of git is refused with what to do", async (_what, status, headers, words) => {
  server.commit("a.txt", "one\n");
  server.instead = (_incoming, outgoing) => {
    outgoing.writeHead(status, headers);
    outgoing.end("<html>");
    return true;
  };
  await expect(add()).rejects.toThrow(words);
  expect(system.work.repositories.find("web")).toBeUndefined();
});

test("a server without a trusted certificate is refused", async () => {
  server.commit("a.txt", "one\n");
  const { address } = server;
  const remote = { address, private: true, token: TOKEN };
  await expect(system.work.upstreams.addRemote("web", remote, {})).rejects.toThrow("--ca takes the certificate of its authority");
});

test("an answer that is cut off leaves nothing behind", async () => {
  server.commit("a.txt", "one\n");
  server.instead = (incoming, outgoing) => {
    if (incoming.method !== "POST") return false;
    outgoing.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
    outgoing.write("0008NAK\n0031\u0001PACK");
    outgoing.end();
    return true;
  };
  await expect(add()).rejects.toThrow("ended too early: try again");
  expect(system.work.repositories.find("web")).toBeUndefined();
});
