import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { stateOf, type Agent } from "../../agents/agent.ts";
import { commitObject, treeObjects } from "../../config-repos/objects.ts";
import { writeObjects } from "../../config-repos/store.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Input, OperationName, Output } from "../../wire/operations.ts";
import { MAX_COMMENTS_BYTES } from "../../wire/work.ts";
import type { CallerContext } from "./types.ts";

let system: TestSystem;
let scout: CallerContext;
let critic: CallerContext;

const call = <N extends OperationName>(name: N, input: Input<N>, caller: CallerContext = system.operator): Promise<Output<N>> =>
  system.callAs(caller, name, input);

/** Commits files in the repository web, as an agent's push would leave them. */
async function pushed(agent: Agent, branch: string, files: Record<string, string>, parents: string[]): Promise<string> {
  const tree = treeObjects(
    Object.entries(files).map(([path, text]) => ({
      path,
      mode: "100644" as const,
      base64: Buffer.from(text).toString("base64"),
    })),
  );
  const commit = commitObject(tree.at(-1)?.sha ?? "", parents, { message: branch, author: agent.name, at: 0 });
  await writeObjects(system.work.repositories.folder("web"), [...tree, commit]);
  await system.system.store.write(() =>
    system.system.store.repositories.putBranch({ repo: "web", agent: agent.id, branch, sha: commit.sha, pushed_at: 0 }),
  );
  return commit.sha;
}

async function spawn(name: string): Promise<Agent> {
  const row = await system.requests.spawn({ name, config: { repos: [{ name: "web" }] } as never, by: OPERATOR, origin: "spawn" });
  await system.deploys.finished(row.id);
  return system.system.swarm.byName(name);
}

const callerOf = (agent: Agent): CallerContext => ({ kind: "agent", agent }) as unknown as CallerContext;

beforeAll(async () => {
  system = await openTestSystem();
  await system.work.start();
  await call("repo_create", { name: "web", reviewers: ["critic"] });
  const agents = await Promise.all([spawn("scout"), spawn("critic")]);
  [scout, critic] = agents.map(callerOf) as [CallerContext, CallerContext];
});
afterAll(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
});

test("a name gives no agent another repository: not after a revive, and not after a rollback", async () => {
  await call("repo_create", { name: "own" });
  const row = await system.requests.spawn({
    name: "ada",
    config: { repos: [{ name: "own" }] } as never,
    by: OPERATOR,
    origin: "spawn",
  });
  await system.through(row.id);
  await call("destroy", { name: "ada" });
  await expect(call("repo_remove", { name: "own" })).rejects.toThrow(
    /ada was destroyed and can be revived to work on own: .*destroy ada --purge/,
  );
  await call("revive", { name: "ada" });
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from("{}").toString("base64") }];
  const { request } = await call("propose", { agent: "ada", files });
  await call("approve", { id: request });
  await system.through(request);
  await call("repo_remove", { name: "own" });
  const back = (): Promise<unknown> => call("rollback", { agent: "ada", id: row.id });
  await expect(back()).rejects.toThrow(`the repository own is not the one that deployed/${row.id} was approved with`);
  await call("repo_create", { name: "own" });
  await expect(back()).rejects.toThrow(/propose ada --from/);
  expect(system.swarm.byName("ada").config.repos).toEqual([]);
  // What the running config has already is the agent's.
  await system.through((await system.requests.rebuild(system.swarm.byName("ada"), OPERATOR)).id);
  await call("destroy", { name: "ada", purge: true });
  await call("repo_remove", { name: "own" });
});

const agentOf = (caller: CallerContext): Agent => (caller.kind === "agent" ? caller.agent : (undefined as never));

test("a repository is made, shown, set, paused, and removed once no agent uses it", async () => {
  await expect(call("repo_create", { name: "web" })).rejects.toThrow("there is a repository web already");
  await call("repo_set", { name: "web", check: "", merge: "squash" });
  await call("queue_pause", { name: "web" });
  const { repo } = await call("repo", { name: "web" });
  expect(repo).toMatchObject({ merge: "squash", reviewers: ["critic"], queues: [{ base: "main", state: "paused" }] });
  expect(repo.agents.map(({ name, access }) => `${name} ${access}`)).toEqual(["critic write", "scout write"]);
  await call("queue_pause", { name: "web", paused: false });
  await call("repo_set", { name: "web", merge: "merge" });
  // A policy that nothing can satisfy is refused, also when its other half is taken away.
  await expect(call("repo_set", { name: "web", policy: "checks" })).rejects.toThrow("set a check with it");
  await expect(call("repo_set", { name: "web", policy: "reviewed", reviewers: [] })).rejects.toThrow("name one with it");
  await call("repo_set", { name: "web", policy: "checks", check: "true" });
  await expect(call("repo_set", { name: "web", check: "" })).rejects.toThrow("set a check with it");
  await call("repo_set", { name: "web", policy: "operator", check: "" });
  await expect(call("repo_create", { name: "strict", policy: "reviewed" })).rejects.toThrow("name one with it");
  expect((await call("repos", {})).repos.map(({ name }) => name)).toEqual(["web"]);
  await expect(call("repo_remove", { name: "web" })).rejects.toThrow("critic, scout use the repository web");
  const nope = call("queue_pause", { name: "web", base: "nope" });
  await expect(nope).rejects.toThrow(/^web has no branch nope: it has main$/);
  await call("repo_create", { name: "gone" });
  await call("repo_remove", { name: "gone" });
  await expect(call("repo", { name: "gone" })).rejects.toThrow("there is no repository gone");
  await expect(call("repo_fetch", { name: "web" })).rejects.toThrow("it has no upstream");
  await expect(call("repo_divergence", { name: "web" })).rejects.toThrow("web has no base main");
  await expect(call("repo_reconcile", { name: "web", by: "merge" })).rejects.toThrow("it has no upstream");
  await expect(call("repo_push", { name: "web" })).rejects.toThrow("follows no folder");
  await expect(call("repo_set", { name: "web", push: "after-merge" })).rejects.toThrow("nothing to push to");
  const { token, url } = await call("repo_token", { name: "web" });
  expect(system.system.repoTokens.holder("web", token)).toBe("operator");
  expect(system.system.repoTokens.holder("other", token)).toBeUndefined();
  expect(system.system.repoTokens.holder("web", `${token.slice(0, -1)}x`)).toBeUndefined();
  expect(url).toMatch(/\/git\/web$/);
});

test("files are included for fresh workspaces, and only a harness reads them", async () => {
  const content = Buffer.from("KEY=1").toString("base64");
  expect(await call("repo_include", { name: "web", path: ".env", content })).toMatchObject({ file: { path: ".env", bytes: 5 } });
  const { files } = await call("repo_includes", { name: "web" });
  expect(files).toEqual([expect.not.objectContaining({ content: expect.anything() as unknown })]);
  await expect(call("included", { repo: "web" }, scout)).rejects.toThrow("call hello first");
  await call("repo_include_remove", { name: "web", path: ".env" });
  expect((await call("repo_includes", { name: "web" })).files).toEqual([]);
});

test("workspaces are listed and dropped", async () => {
  expect(await call("workspaces", { name: "scout" })).toEqual({ workspaces: [] });
  expect(await call("workspaces", {})).toEqual({ workspaces: [] });
  await expect(call("workspaces", { name: "nobody" })).rejects.toThrow("nobody");
  await expect(call("workspace_drop", { name: "scout", repo: "web" })).rejects.toThrow("scout works in its workspace web");
});

test("a change is proposed, discussed, returned, reviewed and merged, and its revert is proposed", async () => {
  const first = await pushed(agentOf(scout), "topic", { "a.txt": "one\n" }, []);
  const { change } = await call("propose_change", { repo: "web", branch: "topic", title: "Add a" }, scout);
  expect(change).toMatchObject({ state: "proposed", sha: first, round: 1 });
  expect((await call("list_changes", { mine: true }, scout)).changes).toMatchObject([{ id: change.id }]);
  expect((await call("changes", { open: true, agent: "scout" })).changes).toMatchObject([{ id: change.id }]);

  // The operator's drafts.
  const { comment } = await call("change_comment", {
    change: change.id,
    path: "a.txt",
    line: 1,
    side: "new",
    quote: "one",
    text: "two?",
  });
  const { comment: second } = await call("change_comment", { change: change.id, text: "and more" });
  await call("change_comment_drop", { comment: second.id });
  expect((await call("change", { change: change.id })).comments).toMatchObject([{ id: comment.id, state: "draft" }]);
  expect((await call("change_file", { change: change.id, path: "a.txt" })).text).toBe("@@ -0,0 +1 @@\n+one\n");
  await expect(call("change_file", { change: change.id, path: "b.txt" })).rejects.toThrow("does not change");
  await call("change_return", { change: change.id, note: "please" });
  await expect(call("change_comment_drop", { comment: comment.id })).rejects.toThrow("is sent");
  expect((await call("change_comment_resolve", { comment: comment.id })).comment.state).toBe("resolved");

  const sha = await pushed(agentOf(scout), "topic", { "a.txt": "two\n" }, [first]);
  const answers = [{ comment: comment.id, text: "yes" }];
  await call("propose_change", { repo: "web", branch: "topic", title: "Add a", answers }, scout);
  // The named reviewer comments, but the policy leaves the approval to the operator.
  const review = { change: change.id, commit: sha };
  await call("review_change", { ...review, verdict: "comment", text: "fine" }, critic);
  await expect(call("review_change", { ...review, verdict: "approve" }, critic)).rejects.toThrow("only the operator approves");
  await expect(call("review_change", { ...review, verdict: "approve" }, scout)).rejects.toThrow("is your own");
  // Its comments have so much text at most that they are always shown together.
  const long = {
    ...review,
    verdict: "comment" as const,
    comments: Array.from({ length: 300 }, () => ({ text: "é".repeat(4_000) })),
  };
  await expect(call("review_change", long, critic)).rejects.toThrow(`at most ${MAX_COMMENTS_BYTES} bytes together`);
  const shown = await call("change", { change: change.id });
  expect(shown.comments).toMatchObject([
    { answer: "yes", outdated: true },
    { author: "critic", text: "fine" },
  ]);

  // Its clone has not fetched since. The row has its lines until they are in the base.
  const head = { commit: sha, base: "main", added: 1, removed: 0 };
  stateOf(agentOf(scout)).harness.work = [{ repo: "web", branch: "topic", added: 5, removed: 2, head }];
  const lines = async () => (await call("state", {})).state.agents.find(({ name }) => name === "scout")?.work;
  expect(await lines()).toEqual([{ repo: "web", branch: "topic", added: 5, removed: 2 }]);
  const published: unknown[] = [];
  const stop = system.system.feed.subscribe({ kinds: ["agent"], agent: "scout" }, ({ event }) => {
    if (event.kind === "agent") published.push(event.agent.work);
    return true;
  });
  await call("change_approve", { change: change.id, sha, digest: shown.change.digest });
  await system.work.queue.idle();
  await new Promise((resolve) => setImmediate(resolve));
  stop();
  expect(published.at(-1)).toEqual([{ repo: "web", branch: "topic", added: 1, removed: 0 }]);
  const { change: merged } = await call("change", { change: change.id });
  expect(merged).toMatchObject({ state: "merged", decided_by: "operator" });
  expect((await call("repo", { name: "web" })).repo.bases).toEqual([{ name: "main", sha: merged.merged_sha }]);
  const { change: revert } = await call("change_revert", { change: change.id });
  expect(revert).toMatchObject({ state: "proposed", agent: "operator", stat: { files: 1, added: 0, removed: 1 } });
  await call("change_deny", { change: revert.id, note: "it stays" });
  expect((await call("change_log", { change: change.id })).lines).toEqual([]);
});

test("the queue is controlled: to the front, out of it, and tried again after a conflict", async () => {
  const { repo } = await call("repo", { name: "web" });
  const tip = repo.bases[0]?.sha ?? "";
  await call("queue_pause", { name: "web" });
  const ids: number[] = [];
  for (const branch of ["x", "y", "z"]) {
    const sha = await pushed(agentOf(scout), branch, { "a.txt": `${branch}\n` }, [tip]);
    const { change } = await call("propose_change", { repo: "web", branch, title: branch }, scout);
    await call("change_approve", { change: change.id, sha });
    ids.push(change.id);
  }
  const [x = 0, y = 0, z = 0] = ids;
  await call("change_to_front", { change: z });
  await call("change_dequeue", { change: x });
  expect((await call("repo", { name: "web" })).repo.queues).toMatchObject([{ base: "main", state: "paused", waiting: [z, y] }]);
  await call("queue_pause", { name: "web", paused: false });
  await system.work.queue.idle();
  const states = async (): Promise<string[]> =>
    Promise.all(ids.map(async (change) => (await call("change", { change })).change.state));
  expect(await states()).toEqual(["proposed", "conflict", "merged"]);
  expect((await call("change", { change: y })).change.reason).toContain("a.txt");
  await call("change_retry", { change: y });
  await system.work.queue.idle();
  expect(await states()).toEqual(["proposed", "conflict", "merged"]);
  await call("withdraw_change", { change: y }, scout);
  await call("withdraw_change", { change: x });
  expect(await states()).toEqual(["withdrawn", "withdrawn", "merged"]);
});

test("the invariants of deploys and changes hold after all of this", async () => {
  await system.work.queue.idle();
  const { findings } = await call("check", {});
  expect(findings.map(({ invariant }) => invariant)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]);
  expect(findings.filter(({ ok }) => !ok)).toEqual([]);
});
