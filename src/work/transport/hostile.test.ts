import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get } from "node:http";
import { connect } from "node:net";
import { gzipSync } from "node:zlib";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { agentWith, openWorkGit, runIn, type WorkGit } from "../../../test/lib/work-git.ts";
import { MAX_AGENT_BRANCHES } from "../../wire/limits.ts";
import { GitWorker } from "../git/worker.ts";
import { FLUSH, pkt } from "./pkt-line.ts";
import { NONE } from "./push-request.ts";

/** What a program in a cage can send that is no git, or a git that means harm. */

let work: WorkGit;
let main: string;
const small = agentWith("small", { web: "write" });
small.config.limits.disk_mib = 1;

beforeAll(async () => {
  work = await openWorkGit([agentWith("scout", { web: "write" }), agentWith("bob", { web: "write" }), small]);
  await work.repositories.create("web", {});
  await work.repositories.create("secret", {});
  main = await work.seed("web", "main", { "README.md": "hello\n" });
  await work.seed("secret", "main", { "key.txt": "secret\n" });
});
afterAll(() => work.close());

const CAPABILITIES = "\0report-status side-band-64k";
const push = (ref: string, to = main, from = NONE): Buffer => pkt(`${from} ${to} ${ref}${CAPABILITIES}`);
/** A pack without objects. */
const EMPTY_PACK = Buffer.from("5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e", "hex");

async function post(body: Buffer, { path = "git-receive-pack", agent = "scout", headers = {} } = {}): Promise<[number, string]> {
  const answer = await fetch(`${work.url(agent, "web")}/${path}`, { method: "POST", body: new Uint8Array(body), headers });
  return [answer.status, await answer.text()];
}
const branches = (): number => work.store.repositories.branches("web").length;

test.each([
  "refs/heads/x/../../main",
  "refs/heads/../agents/a-bob/x",
  "refs/heads/-x",
  "refs/heads/--upload-pack=x",
  "refs/heads/x.lock",
  "refs/heads/.x",
  "refs/heads/x//y",
  "refs/heads/HEAD",
  "HEAD",
  "refs/heads/",
  "refs/heads/scout/",
  "refs/heads/bob/x",
  "refs/heads/scout/../bob/x",
  "refs/heads/main",
  "refs/heads/x\u202ey",
  `refs/heads/${"x".repeat(200)}`,
])("the ref %s is refused", async (ref) => {
  const [status, answer] = await post(Buffer.concat([push(ref), FLUSH, EMPTY_PACK]));
  expect(status).toBe(200);
  expect(answer).toContain("unpack ok");
  expect(answer).toMatch(/ng \S+ \S/);
  expect(answer).not.toMatch(/\dok refs/);
  expect(branches()).toBe(0);
});

test("a push that is no push is refused, and nothing is stored", async () => {
  expect(await post(Buffer.from("hello"))).toEqual([400, "the request is not in git's protocol\n"]);
  expect(await post(Buffer.from("0001"))).toMatchObject([400, expect.stringContaining("not in git's protocol")]);
  expect(await post(pkt("want everything"))).toMatchObject([400, expect.stringContaining("ended before")]);
  expect(await post(Buffer.concat([pkt("push-cert \0x"), FLUSH]))).toMatchObject([400, expect.stringContaining("not served")]);
  const endless = Buffer.concat(Array.from({ length: 1_000 }, (_, n) => push(`refs/heads/x${n}`)));
  expect(await post(endless)).toMatchObject([403, expect.stringContaining("in parts")]);
  const shallow = Buffer.concat([pkt(`shallow ${main}`), push("refs/heads/x"), FLUSH, EMPTY_PACK]);
  expect((await post(shallow))[1]).toContain("git fetch --unshallow");
  expect(await post(FLUSH)).toEqual([200, "0000"]);
  expect(await post(gzipSync(FLUSH), { headers: { "Content-Encoding": "gzip" } })).toEqual([200, "0000"]);
  expect((await post(FLUSH, { headers: { "Content-Encoding": "br" } }))[0]).toBe(400);
  expect(branches()).toBe(0);
});

test.each([
  ["garbage", Buffer.from("this is no pack at all, not even nearly one")],
  ["nothing", Buffer.alloc(0)],
  ["a pack that ends early", EMPTY_PACK.subarray(0, 20)],
  ["a pack with another sum", Buffer.concat([EMPTY_PACK.subarray(0, 31), Buffer.of(0)])],
])("a push with %s as its pack is refused", async (_what, pack) => {
  const [, answer] = await post(Buffer.concat([push("refs/heads/x", "1".repeat(40)), FLUSH, pack]));
  expect(answer).toMatch(/unpack (?!ok)/);
  expect(answer).toMatch(/ng refs\/heads\/x \S/);
  expect(branches()).toBe(0);
});

test("a commit whose objects are not there is refused, and so is one of another repository", async () => {
  const [, missing] = await post(Buffer.concat([push("refs/heads/x", "1".repeat(40)), FLUSH, EMPTY_PACK]));
  expect(missing).toMatch(/ng refs\/heads\/x \S/);
  const foreign = work.repositories.tip("secret", "main") ?? "";
  const [, answer] = await post(Buffer.concat([push("refs/heads/x", foreign), FLUSH, EMPTY_PACK]));
  expect(answer).toMatch(/ng refs\/heads\/x \S/);
  expect(branches()).toBe(0);
});

/** A repository with one commit of this tree, on top of nothing. */
async function treeOf(name: string, entry: string): Promise<(agent: string) => ReturnType<typeof runIn>> {
  const folder = work.folder(name);
  const git = async (argv: string[]): Promise<string> => {
    const end = await runIn(folder, "git", argv);
    expect(end, argv.join(" ")).toMatchObject({ code: 0 });
    return end.out.trim();
  };
  await git(["init", "-q"]);
  writeFileSync(join(folder, "blob"), "x");
  const blob = Buffer.from(await git(["hash-object", "-w", "blob"]), "hex");
  writeFileSync(join(folder, "tree"), Buffer.concat([Buffer.from(`${entry}\0`), blob]));
  const tree = await git(["hash-object", "-w", "-t", "tree", "--literally", "tree"]);
  const commit = await git(["commit-tree", tree, "-m", "bad"]);
  return (agent) => runIn(folder, "git", ["push", work.url(agent, "web"), `${commit}:refs/heads/bad`]);
}

test.each([
  ["dot-git", "100644 .git"],
  ["dots", "100644 .."],
  ["slash", "100644 a/b"],
])("a tree with a bad entry (%s) is refused by git's own check", async (name, entry) => {
  const pushed = await (await treeOf(name, entry))("scout");
  expect(pushed.code).toBe(1);
  expect(pushed.err).toContain("the pushed objects were refused");
  expect(branches()).toBe(0);
});

test("what an agent pushes counts to its disk limit, also after it has removed the branch", async () => {
  const folder = work.folder("large");
  mkdirSync(folder, { recursive: true });
  const git = (...argv: string[]): ReturnType<typeof runIn> => runIn(folder, "git", argv);
  await git("init", "-q", "-b", "large");
  const commit = async (bytes: number): Promise<void> => {
    writeFileSync(join(folder, "file"), randomBytes(bytes));
    await git("add", "-A");
    await git("commit", "-q", "-m", "large");
  };
  await commit(600_000);
  const url = work.url("small", "web");
  expect(await git("push", "-q", url, "large")).toMatchObject({ code: 0 });
  expect(await git("push", "-q", url, ":large")).toMatchObject({ code: 0 });
  await commit(600_000);
  const refused = await git("push", "-q", url, "large");
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("would exceed your disk limit");
  expect(branches()).toBe(0);
});

test("more branches than an agent may have are refused", async () => {
  const commands = Array.from({ length: MAX_AGENT_BRANCHES + 1 }, (_, n) => push(`refs/heads/x${n}`));
  const [, answer] = await post(Buffer.concat([...commands, FLUSH, EMPTY_PACK]));
  expect(answer).toContain("you have too many branches");
  expect(branches()).toBe(0);
});

test("only git's smart protocol is served, and no path leads out", async () => {
  const statusOf = async (path: string): Promise<number> => (await fetch(work.url("scout", path))).status;
  expect(await statusOf("web/HEAD")).toBe(404);
  expect(await statusOf("web/objects/info/packs")).toBe(404);
  expect(await statusOf("web/info/refs")).toBe(403);
  expect(await statusOf("web/info/refs?service=git-upload-archive")).toBe(403);
  expect(await statusOf("..%2fsecret/info/refs?service=git-upload-pack")).toBe(200);
  const answer = await (await fetch(work.url("scout", "..%2fsecret/info/refs?service=git-upload-pack"))).text();
  expect(answer).toContain("ERR ");
  const secret = await (await fetch(work.url("scout", "web/../secret/info/refs?service=git-upload-pack"))).text();
  expect(secret).toContain("ERR scout has no repository secret");
  expect((await fetch(work.url("scout", "web/git-upload-pack"))).status).toBe(405);
});

test("requests that were sent ahead of their answers end with their connections", async () => {
  const line = "GET /web/info/refs?service=git-upload-pack HTTP/1.1\r\nHost: git\r\n\r\n";
  let inScratch = 0;
  const { promise: started, resolve: start } = Promise.withResolvers<void>();
  const spy = vi.spyOn(work.git, "withScratch").mockImplementation(async (...args) => {
    inScratch++;
    start();
    return GitWorker.prototype.withScratch.apply(work.git, args).finally(() => inScratch--);
  });
  const listener = await work.transport.agentGit.listen(agentWith("scout", { web: "write" }), join(work.top, "ahead.sock"));
  const sockets = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect(join(work.top, "ahead.sock"));
      socket.on("error", () => {}); // The daemon closes it; `close` says so.
      await once(socket, "connect");
      socket.write(line.repeat(20));
      return socket;
    }),
  );
  await started;
  for (const socket of sockets) if (!socket.resume().closed) await once(socket, "close");
  await listener.close();
  expect(inScratch).toBe(0);
  spy.mockRestore();
  expect((await fetch(work.url("scout", "web/info/refs?service=git-upload-pack"))).status).toBe(200);
});

test.each(["//", "http://[", "//[::", "http://"])("the address %s is refused as malformed", async (path) => {
  const { hostname, port } = new URL(work.url("scout", ""));
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    get({ hostname, port, path }, (got) => resolve(got.resume().statusCode)).once("error", reject);
  });
  expect(answer).toBe(400);
  expect(work.unexpected).toEqual([]);
});

test.each(["git-upload-pack", "git-receive-pack"])("a body that is not the gzip that it says is refused (%s)", async (path) => {
  const headers = { "Content-Encoding": "gzip" };
  for (const body of [Buffer.from("garbage"), gzipSync(FLUSH).subarray(0, 12), gzipSync(randomBytes(90_000)).fill(0, 40_000)])
    expect(await post(body, { path, headers })).toMatchObject([400, expect.stringContaining("not in ")]);
  const pack = gzipSync(Buffer.concat([push("refs/heads/x", "1".repeat(40)), FLUSH, randomBytes(90_000)]));
  if (path === "git-receive-pack") expect((await post(pack.subarray(0, 60_000), { path, headers }))[1]).toContain("not in gzip");
  expect(work.unexpected).toEqual([]);
});
