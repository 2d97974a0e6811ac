import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { GitServer } from "../../../test/lib/git-server.ts";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { git } from "../../os/git/git.ts";
import type { RepoSettings } from "../../wire/work.ts";
import { GitWorker } from "../git/worker.ts";
import { band, FLUSH, pkt } from "../transport/pkt-line.ts";

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

test("a fetch that finds nothing new starts no sandbox", async () => {
  server.commit("a.txt", "one\n");
  server.git("tag", "v1");
  await add();
  const sandboxes = vi.spyOn(GitWorker.prototype, "tryScript");
  try {
    expect(await system.work.upstreams.fetch("web")).toEqual({ moved: [], diverged: [], gone: [] });
    expect(sandboxes).not.toHaveBeenCalled();
    server.git("tag", "v2");
    await system.work.upstreams.fetch("web");
    expect(sandboxes).toHaveBeenCalled();
  } finally {
    sandboxes.mockRestore();
  }
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
  // Nor does a backup have it, or the database.
  const backup = join(system.paths.state, "..", "backup");
  await system.backups.take(backup, new AbortController().signal, () => {});
  const files = readdirSync(backup, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.length).toBeGreaterThan(3);
  for (const entry of files) expect(readFileSync(join(entry.parentPath, entry.name)).includes(TOKEN), entry.name).toBe(false);
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

/** Moves main as the queue would, and waits for what follows. */
async function commitInHive(name: string): Promise<string> {
  const { repositories, pushes } = system.work;
  const tip = repositories.tip("web", "main") ?? "";
  const own = ["-c", "user.name=t", "-c", "user.email=t@hive.invalid"];
  const sha = (await git(repositories.folder("web"), [...own, "commit-tree", `${tip}^{tree}`, "-p", tip, "-m", name]))
    .toString()
    .trim();
  await repositories.moveBase("web", "main", sha, tip);
  await pushes.idle();
  return sha;
}
const queues = () => view().queues;

test("both sides of a diverged base: merged here, reset, or offered on a branch of the hive's own", async () => {
  const first = server.commit("a.txt", "one\n");
  await add();
  const { upstreams, pushes, repositories } = system.work;
  const ours = await commitInHive("ours");
  const theirs = server.commit("b.txt", "theirs\n");
  expect(await upstreams.fetch("web")).toMatchObject({ diverged: ["main"] });
  expect(queues()).toMatchObject([{ base: "main", state: "stopped", diverged: true }]);
  // Nothing of it is written to the base there, however often it is tried.
  await repositories.set("web", { settings: { push: "after-merge" } });
  pushes.kick("web");
  await pushes.idle();
  expect(server.tip()).toBe(theirs);
  const branch = `hive/${system.id}/main`;
  expect(await pushes.push("web", undefined, "operator")).toEqual({ base: "main", sha: ours, branch });
  expect([server.tip(branch), server.tip()]).toEqual([ours, theirs]);
  const { to } = await system.callAs(system.operator, "repo_reconcile", { name: "web", by: "merge" });
  await pushes.idle();
  // It is a step forward for the host now, and pushed.
  expect(server.tip()).toBe(to);
  expect(server.git("rev-list", "--count", "main")).toBe("4");
  expect(queues()).toEqual([]);
  expect(first).not.toBe(to);
});

test("a branch that the host moves back stops its queue, and what was taken out there is not pushed again", async () => {
  const first = server.commit("a.txt", "one\n");
  const secret = server.commit("secret.txt", "a leak\n");
  await add({ push: "after-merge" });
  const { upstreams, divergences, pushes, repositories } = system.work;
  server.git("update-ref", "refs/heads/main", first);
  for (let times = 0; times < 2; times++) {
    expect(await upstreams.fetch("web")).toMatchObject({ diverged: ["main"] });
    pushes.kick("web");
    await pushes.idle();
    expect([server.tip(), repositories.tip("web", "main")]).toEqual([first, secret]);
  }
  await divergences.reconcile("web", { by: "reset", ours: secret, upstream: first }, "operator");
  await pushes.idle();
  expect([server.tip(), repositories.tip("web", "main")]).toEqual([first, first]);
  expect(await upstreams.fetch("web")).toEqual({ moved: [], diverged: [], gone: [] });
});

test("what a host sends is bounded and checked: too many objects, objects that git refuses, another type", async () => {
  const sha = server.commit("a.txt", "one\n");
  const pack = (bytes: Buffer): void => {
    server.instead = (incoming, outgoing) => {
      if (incoming.method !== "POST") return false;
      outgoing.writeHead(200, { "content-type": "application/x-git-upload-pack-result" });
      outgoing.end(Buffer.concat([pkt("NAK\n"), band(1, bytes), FLUSH]));
      return true;
    };
  };
  const header = (objects: number): Buffer => {
    const bytes = Buffer.from("PACK\0\0\0\u0002\0\0\0\0", "latin1");
    bytes.writeUInt32BE(objects, 8);
    return bytes;
  };
  pack(header(4_000_000_000));
  await expect(add()).rejects.toThrow("has more than 1000000 objects");
  pack(Buffer.concat([header(1), Buffer.alloc(100)]));
  await expect(add()).rejects.toThrow("git refuses the objects");
  server.instead = () => false;
  // A tree that would be written outside of its folder.
  const blob = server.git("rev-parse", `${sha}:a.txt`);
  const tree = execFileSync("git", ["--git-dir", server.bare, "mktree"], { input: `100644 blob ${blob}\t.git\n` })
    .toString()
    .trim();
  const bad = server.git("commit-tree", tree, "-m", "bad");
  server.git("update-ref", "refs/heads/main", bad);
  await expect(add()).rejects.toThrow(/git refuses the objects.*hasDotgit/);
  expect(system.work.repositories.find("web")).toBeUndefined();
});

test("old histories that git only warns about are taken", async () => {
  const tree = server.git("rev-parse", `${server.commit("a.txt", "one\n")}^{tree}`);
  const text = `tree ${tree}\nauthor Ada <ada@hive.invalid> 0123456789 +051800\ncommitter Ada <ada@hive.invalid> 1 +0000\n\nold\n`;
  const hash = ["--git-dir", server.bare, "hash-object", "--literally", "-t", "commit", "-w", "--stdin"];
  const old = execFileSync("git", hash, { input: text }).toString().trim();
  server.git("update-ref", "refs/heads/main", old);
  await add();
  expect(system.work.repositories.tip("web", "main")).toBe(old);
});

test("a host that says nothing is given up with its caller", async () => {
  server.commit("a.txt", "one\n");
  await add();
  const asked = Promise.withResolvers<void>();
  server.instead = () => (asked.resolve(), true);
  const caller = new AbortController();
  const fetched = system.work.upstreams.fetch("web", { signal: caller.signal });
  await asked.promise;
  caller.abort(new Error("given up"));
  await expect(fetched).rejects.toThrow("given up");
  expect(view().remote).not.toHaveProperty("failed");
});

test("a token is replaced and removed, with a line of the audit trail that does not have it", async () => {
  server.commit("a.txt", "one\n");
  await add();
  server.token = "the-next-token";
  const { operator, system: hive } = system;
  expect((await system.callAs(operator, "repo_login", { name: "web", token: "the-next-token" })).repo.remote).toMatchObject({
    credential: "token",
  });
  await system.work.upstreams.fetch("web");
  expect((await system.callAs(operator, "repo_login", { name: "web" })).repo.remote).toMatchObject({ credential: "none" });
  await expect(system.work.upstreams.fetch("web")).rejects.toThrow("asks for a credential");
  const lines = ["repo_logged_in", "repo_logged_out"].flatMap((kind) =>
    hive.store.ledger.audited({ kind, before: Number.MAX_SAFE_INTEGER, limit: 9 }),
  );
  expect(lines.map(({ kind, detail }) => [kind, detail])).toEqual([
    ["repo_logged_in", '{"repo":"web"}'],
    ["repo_logged_out", '{"repo":"web"}'],
  ]);
});
