import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { REHEARSED_ADDRESS } from "../../wire/address-kinds.ts";
import { ForgeApi } from "../forge/api.ts";
import { POLL_MS } from "../forge/pull-requests.ts";
import { Remotes } from "../remote/remotes.ts";
import type { RemoteUpstream } from "../repo-record.ts";

const stop = new AbortController().signal;
const upstream: RemoteUpstream = { kind: "remote", address: REHEARSED_ADDRESS };
let system: TestSystem;
let clock: number;

beforeEach(async () => {
  clock = 1_800_000_000_000;
  system = await openTestSystem({ now: () => clock });
  await system.work.start();
  await system.work.makeSample();
});
afterEach(() => system.close());

/** The commit that the sample begins with. */
const first = (): string => system.work.repositories.tip("greeter", "main") ?? "";

/** Pushes a commit to a branch of the host, as the hive does, and opens a pull request for it. */
async function offered(branch: string) {
  const { git } = system.work.context;
  const remotes = new Remotes(system.work.context, (name) => system.work.repositories.find(name)?.upstream);
  const repo = system.work.repositories.get("greeter");
  const commit = await git.withScratch("greeter", {}, async (scratch) => {
    const env = Object.fromEntries(
      ["AUTHOR", "COMMITTER"].flatMap((who) => [
        [`GIT_${who}_NAME`, "a"],
        [`GIT_${who}_EMAIL`, "a@b.c"],
      ]),
    );
    const made = await scratch.git(["commit-tree", `${first()}^{tree}`, "-p", first(), "-m", "x"], { env });
    await scratch.keepObjects();
    return made.toString().trim();
  });
  const ref = `refs/heads/${branch}`;
  expect(await remotes.push(repo, { ref, from: undefined, to: commit, isRewrite: true }, stop)).toEqual({ end: "pushed" });
  // It is there, and a second push that expects nothing there is too late.
  expect(await remotes.push(repo, { ref, from: undefined, to: first(), isRewrite: true }, stop)).toEqual({
    end: "lost",
    now: commit,
  });
  const api = new ForgeApi(remotes.forge("greeter", upstream, "github"), stop);
  const opened = await api.open({ head: branch, base: "main" }, { title: "A title", body: "" });
  expect(opened).toMatchObject({ number: 1, state: "open", head: commit });
  return { api, commit };
}

test("the sample follows the host, which merges a pull request that was open for a while", async () => {
  expect(system.work.repositories.get("greeter")).toMatchObject({ upstream, settings: { forge: "github", push: "never" } });
  const { api, commit } = await offered("topic");
  expect((await api.read(1, undefined)).pull).toMatchObject({ state: "open", head: commit });
  clock += POLL_MS;
  const { pull } = await api.read(1, undefined);
  expect(pull).toMatchObject({ state: "merged" });
  await system.work.upstreams.fetch("greeter");
  expect(first()).toBe(pull?.mergedAs);
});

test("a fetch merges what is open there, and a closed one is not", async () => {
  const { api } = await offered("topic");
  await api.close(1);
  const before = first();
  await system.work.upstreams.fetch("greeter");
  expect(first()).toBe(before);
  const again = await api.open({ head: "topic", base: "main" }, { title: "again", body: "" });
  expect(again.number).toBe(2);
  expect((await system.work.upstreams.fetch("greeter")).moved).toHaveLength(1);
  expect((await api.read(2, undefined)).pull).toMatchObject({ state: "merged", mergedAs: first() });
  expect(first()).not.toBe(before);
  // Nothing is left to merge.
  await expect(api.open({ head: "topic", base: "nowhere" }, { title: "t", body: "" })).rejects.toThrow("base nowhere is invalid");
});

test("a hive that was restored without the host makes it again from what it has", async () => {
  const before = first();
  rmSync(join(system.paths.state, "rehearsed"), { recursive: true });
  await expect(system.work.upstreams.fetch("greeter")).rejects.toThrow("only while the hive rehearses");
  await system.work.makeSample();
  expect(await system.work.upstreams.fetch("greeter")).toEqual({ moved: [], diverged: [], gone: [] });
  expect(first()).toBe(before);
});

/** What a kill leaves between the folder of the host's repository and its first branch. */
const cutShort = (): void => rmSync(join(system.paths.state, "rehearsed/greeter.git/refs/heads/main"));

test("a host whose making was cut short is made anew by the next start", async () => {
  cutShort();
  await system.work.repositories.remove("greeter");
  await system.work.makeSample();
  expect(first()).not.toBe("");
});

test("a host that was cut short after a restore takes no branch away, and is made from what the hive has", async () => {
  const before = first();
  cutShort();
  await expect(system.work.upstreams.fetch("greeter")).rejects.toThrow("only while the hive rehearses");
  await system.work.makeSample();
  expect(await system.work.upstreams.fetch("greeter")).toEqual({ moved: [], diverged: [], gone: [] });
  expect(first()).toBe(before);
});

test("a sample that was added and never fetched is fetched by the next start", async () => {
  await system.work.repositories.remove("greeter");
  await system.work.repositories.create("greeter", { base: "main" }, upstream);
  await system.work.makeSample();
  expect(first()).not.toBe("");
});

test("without the rehearsal nothing answers, and the error says what to do", async () => {
  const other = await openTestSystem({ settings: { HIVE_REHEARSAL: "", CLAUDE_CODE_OAUTH_TOKEN: "a-token" } });
  try {
    await other.work.start();
    const adding = other.work.upstreams.addRemote("mine", { address: REHEARSED_ADDRESS, private: false }, {});
    await expect(adding).rejects.toThrow("only while the hive rehearses: work with a repository of your own");
  } finally {
    await other.close();
  }
});
