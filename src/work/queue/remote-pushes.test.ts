import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { GitServer } from "../../../test/lib/git-server.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { Swaps } from "../remote/swaps.ts";
import { UpstreamPushes } from "../upstream-pushes.ts";
import { MAX_LOST_RACES } from "./merge-queue.ts";

const TOKEN = "a-token-of-the-operator";

let server: GitServer;
let work: TestWork;
let first: string;
/** What happens at a point of a merge. */
let at: Record<string, () => void | Promise<void>>;

const open = (folder?: string) =>
  openTestWork({
    ...(folder === undefined ? {} : { folder }),
    settings: { push: "after-merge" },
    remote: { address: server.address, ca: server.ca, private: true, token: TOKEN },
    failpoint: async (name) => at[name]?.(),
  });

beforeEach(async () => {
  at = {};
  server = await new GitServer({ token: TOKEN }).start();
  first = server.commit("a.txt", "one\n");
  work = await open();
  await work.queue.start();
});
afterEach(async () => {
  await work.close();
  await server.stop();
});

test("a merge is pushed to the base of the upstream, whole, before the hive says that it is merged", async () => {
  const states: unknown[] = [];
  at["push_done"] = () => void states.push(work.row(id).state, server.tip() === work.row(id).candidate, work.tip());
  const id = await work.approved(work.commit(first, { "b.txt": "two\n" }));
  await work.queue.enqueue(id);
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: server.tip() });
  expect(states).toEqual(["pushing", true, first]);
  expect(work.tip()).toBe(server.tip());
  expect(work.git("rev-parse", "refs/upstream/main")).toBe(server.tip());
  expect(server.git("fsck", "--strict", "--full")).toBe("");
  expect(server.git("show", "main:b.txt")).toBe("two");
  expect(work.unexpected).toEqual([]);
});

test("a change is merged onto what the upstream has by then", async () => {
  const sha = work.commit(first, { "b.txt": "two\n" });
  const theirs = server.commit("c.txt", "theirs\n");
  const id = await work.queued(sha);
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "merged", candidate_base: theirs });
  expect(server.git("ls-tree", "--name-only", "main").split("\n")).toEqual(["a.txt", "b.txt", "c.txt"]);
});

test("a push that loses the race is merged again, onto the new tip; after five times its owner decides", async () => {
  let races = 0;
  at["push_start"] = () => {
    if (races++ === 0) server.commit("race.txt", "theirs\n");
  };
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "merged" });
  expect(races).toBe(2);
  expect(server.git("ls-tree", "--name-only", "main").split("\n")).toEqual(["a.txt", "b.txt", "race.txt"]);
  at["push_start"] = () => void server.commit(`race-${races++}.txt`, "theirs\n");
  const other = await work.queued(work.commit(first, { "d.txt": "three\n" }));
  await work.queue.idle();
  expect(work.row(other)).toMatchObject({ state: "push_failed", reason: expect.stringContaining("moved 5 times") as string });
  expect(races).toBe(2 + MAX_LOST_RACES);
  expect(server.git("ls-tree", "--name-only", "main")).not.toContain("d.txt");
  expect(work.unexpected).toEqual([]);
});

test("what the upstream refuses ends as a failed push with its words, and the base stays", async () => {
  server.hook("pre-receive", "echo 'main is protected: open a pull request' >&2; exit 1");
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({
    state: "push_failed",
    reason: expect.stringMatching(
      /the upstream refuses it: pre-receive hook declined \(.*main is protected: open a pull request/,
    ) as string,
  });
  expect([work.tip(), server.tip()]).toEqual([first, first]);
});

test.each([
  ["before the push", "push_start"],
  ["after the push", "push_done"],
])("a daemon that ends %s leaves what the next one brings to rest", async (_when, point) => {
  at[point] = () => Promise.reject(new Error("killed"));
  // The upstream does not answer the dying daemon any more.
  let isDown = false;
  server.instead = (_incoming, outgoing) => isDown && (outgoing.writeHead(503), outgoing.end(), true);
  const before = at[point];
  at[point] = async () => {
    isDown = true;
    await before();
  };
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await expect.poll(() => work.row(id).reason).toMatch(/whether the upstream has it is not known yet.*503/);
  expect(work.row(id).state).toBe("pushing");
  await work.close({ keep: true });
  isDown = false;
  at = {};
  work = await open(work.top);
  await work.queue.start();
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: server.tip() });
  expect(server.git("rev-list", "--count", "main")).toBe("3");
  expect(work.tip()).toBe(server.tip());
});

test("a change waits in its queue while the upstream does not answer, and says so", async () => {
  let isDown = true;
  server.instead = (_incoming, outgoing) => isDown && (outgoing.writeHead(503), outgoing.end(), true);
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await expect.poll(() => work.row(id).reason).toMatch(/the upstream is asked again later: .*answers with 503/);
  expect(work.row(id).state).toBe("queued");
  isDown = false;
  work.queue.kickAll("web");
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "merged", reason: null });
  expect(work.unexpected).toEqual([]);
});

test("a token that may not push stops the queue with what to do, and the change stays in it", async () => {
  server.instead = (incoming, outgoing) => {
    if (!incoming.url?.includes("git-receive-pack")) return false;
    outgoing.writeHead(403);
    outgoing.end();
    return true;
  };
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await work.queue.idle();
  expect(work.row(id).state).toBe("queued");
  expect(work.repositories.get("web").holds["main"]).toMatchObject({
    by: "system",
    reason: expect.stringContaining("does not allow it: the token may lack the right") as string,
  });
  server.instead = () => false;
  await work.queue.resume("web", "main", "operator");
  await work.queue.idle();
  expect(work.row(id).state).toBe("merged");
});

/** The files of the upstream's base. */
const files = (): string[] => server.git("ls-tree", "--name-only", "main").split("\n");

test("what the upstream gets while a change is checked is kept, also after a fetch in between", async () => {
  let merges = 0;
  at["merge_objects"] = async () => {
    if (++merges > 1) return;
    server.commit("theirs.txt", "theirs\n");
    await work.upstreams.fetch("web");
  };
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }));
  await work.queue.idle();
  expect(files()).toEqual(["a.txt", "b.txt", "theirs.txt"]);
  expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: server.tip() });
  expect(merges).toBe(2);
});

test("a push that would take commits of others away is none, whatever the hive was asked to push", async () => {
  const other = work.commit(first, { "b.txt": "two\n" });
  const theirs = server.commit("theirs.txt", "theirs\n");
  await work.upstreams.fetch("web");
  const swaps = new Swaps(work.remotes, work.upstreams);
  const { signal } = new AbortController();
  expect(await swaps.swap(work.repositories.get("web"), "main", { from: theirs, to: other }, signal)).toEqual({ end: "lost" });
  expect(server.tip()).toBe(theirs);
});

describe("what the upstream has taken back", () => {
  let second: string;
  let pushes: UpstreamPushes;
  beforeEach(async () => {
    second = server.commit("b.txt", "two\n");
    server.commit("c.txt", "not for you\n");
    await work.upstreams.fetch("web");
    const swaps = new Swaps(work.remotes, work.upstreams);
    pushes = new UpstreamPushes({ ...work, swaps });
    pushes.start();
    await pushes.idle();
  });
  const pushed = async (): Promise<string> => {
    pushes.kick("web");
    await pushes.idle();
    return server.tip() ?? "";
  };

  test("is not pushed again when it goes forward a part of the way", async () => {
    server.git("update-ref", "refs/heads/main", first);
    expect(await work.upstreams.fetch("web")).toMatchObject({ diverged: ["main"] });
    expect(await pushed()).toBe(first);
    server.git("update-ref", "refs/heads/main", second);
    expect(await work.upstreams.fetch("web")).toMatchObject({ diverged: ["main"] });
    expect(await pushed()).toBe(second);
  });

  test("is not pushed again after a fetch that has failed in its middle", async () => {
    server.git("update-ref", "refs/heads/main", second);
    const { setTags } = work.repositories;
    work.repositories.setTags = () => Promise.reject(new Error("no room"));
    await expect(work.upstreams.fetch("web")).rejects.toThrow("no room");
    work.repositories.setTags = setTags;
    expect(await pushed()).toBe(second);
    expect(await work.upstreams.fetch("web")).toMatchObject({ diverged: ["main"] });
    expect(await pushed()).toBe(second);
  });
});
