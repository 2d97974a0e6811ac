import { createAdaptorServer } from "@hono/node-server";
import { writeFileSync } from "node:fs";
import { get } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentWith, openWorkGit, runIn, type GitEnd, type WorkGit } from "../../../test/lib/work-git.ts";
import { moveRef } from "../../os/git/refs.ts";
import { RepoTokens } from "../repo-tokens.ts";
import { webApp, type WebDeps } from "./app.ts";

let work: WorkGit;
let now = 0;
let origin: string;
let close: () => void;
const tokens = new RepoTokens(() => now);

beforeAll(async () => {
  work = await openWorkGit([agentWith("scout", { web: "write" })]);
  for (const repo of ["web", "api"]) {
    await work.repositories.create(repo, {});
    await work.seed(repo, "main", { "README.md": "hello\n" });
  }
  const hosts = new Set<string>();
  const app = webApp({
    origins: { hosts },
    git: { tokens, permit: () => {}, needsPasskey: (name: string) => name === "guarded", work },
  } as unknown as WebDeps);
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  hosts.add(new URL(origin).host);
  close = () => server.close();
});
afterAll(async () => {
  close();
  await work.close();
});

const address = (repo: string, token: string): string => `${origin.replace("http://", `http://me:${token}@`)}/git/${repo}`;
const url = (operator = "bob"): string => address("web", tokens.issue("web", operator).token);
let clones = 0;

async function clone(): Promise<{ git(...argv: string[]): Promise<GitEnd>; commit(text: string): Promise<string> }> {
  const folder = work.folder(`operator-${++clones}`);
  expect(await runIn(work.top, "git", ["clone", "-q", url(), folder])).toMatchObject({ code: 0, err: "" });
  const git = (...argv: string[]): Promise<GitEnd> => runIn(folder, "git", argv);
  return {
    git,
    async commit(text) {
      writeFileSync(join(folder, "notes.txt"), text);
      await git("add", "-A");
      await git("commit", "-q", "-m", text.slice(0, 20));
      return (await git("rev-parse", "HEAD")).out.trim();
    },
  };
}

test("only a token of this repository opens it, for ten minutes, and never to a page", async () => {
  // Not `fetch`, which sends what pages send.
  const ask = (token: string | undefined, headers: Record<string, string> = {}): Promise<[number, string | undefined]> =>
    new Promise((resolve, reject) => {
      const authorization = token === undefined ? {} : { Authorization: `Basic ${btoa(`me:${token}`)}` };
      get(`${origin}/git/web/info/refs?service=git-upload-pack`, { headers: { ...headers, ...authorization } }, (answer) => {
        answer.resume();
        resolve([answer.statusCode ?? 0, answer.headers["www-authenticate"]]);
      }).once("error", reject);
    });
  const { token } = tokens.issue("web", "bob");
  const basic = 'Basic realm="hyperhive", charset="UTF-8"';
  expect(await ask(token)).toEqual([200, undefined]);
  for (const wrong of [undefined, "", `${token}x`.slice(1), tokens.issue("api", "bob").token])
    expect(await ask(wrong)).toEqual([401, basic]);
  // Before the token is looked at: a page that has rebound its name learns nothing.
  for (const host of ["evil.example", "localhost", new URL(origin).host.replace("127.0.0.1", "127.0.0.2")])
    expect(await Promise.all([ask(token, { Host: host }), ask(undefined, { Host: host })])).toEqual([
      [421, undefined],
      [421, undefined],
    ]);
  expect(await ask(token, { Origin: origin })).toEqual([403, undefined]);
  expect(await ask(token, { "Sec-Fetch-Mode": "cors" })).toEqual([403, undefined]);
  now += 10 * 60_000;
  expect(await ask(token)).toEqual([401, basic]);
});

test("it sees bases, agents' branches, tags and proposed commits", async () => {
  const main = work.repositories.tip("web", "main") ?? "";
  const scout = { id: "a-scout", name: "scout" };
  await work.transport.branches.store({ repo: "web", pusher: scout, moves: [{ topic: "fix", next: main }], bytes: 0 });
  await moveRef(work.repositories.folder("web"), "refs/changes/7/1", main, undefined);
  await work.repositories.setTags("web", new Map([["v1.0", main]]));
  const listed = await runIn(work.top, "git", ["ls-remote", url()]);
  expect(listed.out.split("\n").flatMap((line) => line.split("\t")[1] ?? [])).toEqual([
    "HEAD",
    "refs/changes/7/1",
    "refs/heads/main",
    "refs/heads/scout/fix",
    "refs/tags/v1.0",
  ]);
});

test("a base without upstream moves forward only, and branches of its own are the operator's", async () => {
  const { git, commit } = await clone();
  const sha = await commit("one");
  expect(await git("push", "-q", "origin", "main", "main:operator/idea", "main:release/1.x")).toMatchObject({ code: 0 });
  expect(work.repositories.tip("web", "main")).toBe(sha);
  expect(work.repositories.tip("web", "release/1.x")).toBe(sha);
  expect(work.store.repositories.branch("web", "operator", "idea")?.sha).toBe(sha);

  await git("commit", "-q", "--amend", "-m", "another");
  expect((await git("push", "--force", "origin", "main")).err).toContain("main can only be moved forward");
  expect((await git("push", "origin", ":main")).err).toContain("a base cannot be removed by a push");
  expect((await git("push", "origin", "main:scout/fix")).err).toContain("are the branches of scout");
  expect((await git("push", "origin", "main:scout")).err).toContain("there is an agent scout");
  expect((await git("push", "origin", "main:main/x")).err).toContain("beside the base main");
  expect((await git("push", "origin", "main:refs/changes/7/2")).err).toContain("only branches can be pushed");
  expect((await git("push", "origin", "main:refs/tags/v2")).err).toContain("tags cannot be pushed");
  expect(work.repositories.tip("web", "main")).toBe(sha);
  expect([...work.repositories.tips("web").keys()]).toEqual(["main", "release/1.x"]);
});

test("an operator whose approvals need a passkey pushes branches of its own, and no base", async () => {
  const { git, commit } = await clone();
  const before = [...work.repositories.tips("web")];
  await commit("by a program that runs as the operator");
  await git("remote", "set-url", "origin", url("guarded"));
  expect((await git("push", "origin", "main")).err).toContain("main is a base, and your approvals need your passkey");
  expect(await git("push", "-q", "origin", "main:operator/mine", "main:later")).toMatchObject({ code: 0 });
  expect([...work.repositories.tips("web")]).toEqual(before);
});

test("a base of a repository with an upstream is not pushed", async () => {
  const upstream = { kind: "folder" as const, folder: "/src/web", owner: { uid: 1, gid: 1 }, nonce: "0".repeat(32) };
  await work.repositories.set("web", { upstream });
  const { git, commit } = await clone();
  await commit("two");
  expect((await git("push", "origin", "main")).err).toContain("main is a base, which follows /src/web");
  expect((await git("push", "origin", "main:refs/tags/v2")).err).toContain("the tags are those of /src/web. Tag there");
});

test("a large push arrives whole", async () => {
  const { git, commit } = await clone();
  await commit(Array.from({ length: 200_000 }, () => Math.random().toString(36)).join("\n"));
  expect(await git("push", "-q", "origin", "HEAD:operator/large")).toMatchObject({ code: 0 });
});
