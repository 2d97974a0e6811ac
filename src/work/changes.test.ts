import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { Agent } from "../agents/agent.ts";
import { moveRef, readRef } from "../os/git/refs.ts";
import type { ChangeRecord } from "../store/changes.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR } from "../wire/names.ts";
import type { Input } from "../wire/operations.ts";
import { operations } from "../wire/operations.ts";
import { VETO_MS } from "./policy.ts";

let system: TestSystem;
let scout: Agent;
let reader: Agent;
let other: Agent;
let base: string;
/** Each test has a branch of its own. */
let topic: string;
let tests = 0;

const WHO = {
  GIT_AUTHOR_NAME: "a",
  GIT_AUTHOR_EMAIL: "a@hive.invalid",
  GIT_AUTHOR_DATE: "1700000000 +0000",
  GIT_COMMITTER_NAME: "a",
  GIT_COMMITTER_EMAIL: "a@hive.invalid",
  GIT_COMMITTER_DATE: "1700000000 +0000",
};

/** A commit of these files in the repository web. `modes` are those that differ from plain files. */
async function commit(files: Record<string, string>, parent?: string, modes: Record<string, string> = {}): Promise<string> {
  return system.work.context.git.withScratch("web", {}, async (scratch) => {
    const run = async (argv: string[], input = ""): Promise<string> =>
      (await scratch.git(argv, { input, env: { ...WHO, GIT_INDEX_FILE: "/tmp/index" } })).toString().trim();
    const entries: string[] = [];
    for (const [path, text] of Object.entries(files)) {
      const mode = modes[path] ?? "100644";
      const sha = mode === "160000" ? "1".repeat(40) : await run(["hash-object", "-w", "--stdin"], text);
      entries.push(`${mode} ${mode === "160000" ? "commit" : "blob"} ${sha}\t${path}`);
    }
    const tree = await run(["mktree", "--missing"], `${entries.join("\n")}\n`);
    const made = await run(["commit-tree", tree, "-m", "work", ...(parent === undefined ? [] : ["-p", parent])]);
    await scratch.keepObjects();
    return made;
  });
}

/** What a push leaves: the row and its ref. */
async function pushed(branch: string, sha: string, agent = scout): Promise<void> {
  const row = { repo: "web", agent: agent.id, branch, sha, pushed_at: 1 };
  await system.system.store.write(() => system.system.store.repositories.putBranch(row));
  const folder = system.work.repositories.folder("web");
  const before = await readRef(folder, `refs/agents/${agent.id}/${branch}`);
  await moveRef(folder, `refs/agents/${agent.id}/${branch}`, sha, before);
}

const propose = (input: Partial<Input<"propose_change">> = {}, agent = scout): Promise<ChangeRecord> =>
  system.work.changes.propose(
    agent,
    operations.propose_change.input.parse({ repo: "web", branch: topic, title: "A title", ...input }),
  );

async function spawn(name: string, access: "read" | "write" = "write"): Promise<Agent> {
  const config = { repos: [{ name: "web", access }] };
  const row = await system.requests.spawn({ name, config, by: OPERATOR, origin: "spawn" });
  await system.deploys.finished(row.id);
  return system.system.swarm.byName(name);
}

beforeAll(async () => {
  system = await openTestSystem();
  await system.work.start();
  await system.work.repositories.create("web", {});
  base = await commit({ "README.md": "web\n" });
  await system.work.repositories.moveBase("web", "main", base, undefined);
  await system.work.repositories.moveBase("web", "release/1", base, undefined);
  // Nothing is merged here.
  for (const name of ["main", "release/1"]) await system.work.queue.pause("web", name, "operator");
  [scout, reader, other] = await Promise.all([spawn("scout"), spawn("reader", "read"), spawn("other")]);
});
afterAll(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
});
beforeEach(() => {
  topic = `topic-${++tests}`;
});

/** The notices about a change to its owner. */
const noticesOf = (id: number): Record<string, unknown>[] =>
  system.system.history
    .messages({ limit: 50 }, undefined)
    .messages.filter(({ to }) => to === "scout")
    .map(({ body }) => JSON.parse(body ?? "") as Record<string, unknown>)
    .filter(({ change }) => change === id);

describe("a proposal", () => {
  test("pins its commit, and says what it changes and against what", async () => {
    const sha = await commit({ "README.md": "web\n", "a.txt": "one\ntwo\n" }, base);
    await pushed(topic, sha);
    const row = await propose({ body: "Because." });
    expect(row).toMatchObject({ state: "proposed", round: 1, sha, merge_base: base, base: "main", agent_name: "scout" });
    expect(JSON.parse(row.stat)).toEqual({ files: 1, added: 2, removed: 0 });
    expect(await readRef(system.work.repositories.folder("web"), `refs/changes/${row.id}/1`)).toBe(sha);
  });

  test("is listed with what its agent's turns have used from its first push on", async () => {
    await pushed(topic, await commit({ "u.txt": "one\n" }, base));
    const row = await propose({ title: "What it costs" });
    const tokens = { input: 5, output: 6, cache_read: 0, cache_write: 0 };
    const end = { type: "turn_end", turn: 1, ok: true, result: "ok", reason: "", duration_ms: 1, tokens, cost_usd: 0.5 } as const;
    const start = { type: "turn_start", turn: 1, message_id: 1, from: "x", body: "", unread: 0, redelivered: false } as const;
    const { turns, nextSeq, write } = system.system.store;
    const at = instant(Date.now());
    const events = [start, end].map((event, n) => ({ n: n + 1, at, event }));
    await write(() => turns.append(scout.id, "scout", "i", events, nextSeq));
    const { rows } = await system.callAs(system.operator, "change_usage", { days: 1 });
    expect(rows.find(({ change }) => change === row.id)).toEqual({
      change: row.id,
      repo: "web",
      title: "What it costs",
      agent: "scout",
      state: "proposed",
      turns: 1,
      tokens: 11,
      cost_usd: 0.5,
      unpriced: 0,
    });
  });

  test("of a new commit is a new round, voids the approval, and keeps the first commit pinned", async () => {
    await pushed(topic, await commit({ "a.txt": "one\n" }, base));
    const first = await propose();
    await system.work.decisions.approve(
      first.id,
      { sha: first.sha, digest: first.digest },
      { by: "operator", digestNeeded: true },
    );
    const sha = await commit({ "a.txt": "two\n" }, base);
    await pushed(topic, sha);
    const second = await propose({ branch: `scout/${topic}` });
    expect(second).toMatchObject({ id: first.id, round: 2, state: "proposed", sha, decided_by: null });
    expect(second.digest).not.toBe(first.digest);
    const folder = system.work.repositories.folder("web");
    expect(await readRef(folder, `refs/changes/${first.id}/1`)).toBe(first.sha);
    await expect(
      system.work.decisions.approve(first.id, { sha: first.sha, digest: first.digest }, { by: "operator", digestNeeded: true }),
    ).rejects.toThrow("proposes");
  });

  test("of the same branch for another base supersedes the change", async () => {
    await pushed(topic, await commit({ "a.txt": "one\n" }, base));
    const first = await propose();
    const second = await propose({ base: "release/1" });
    expect(second.id).not.toBe(first.id);
    expect(system.work.changeStore.get(first.id).state).toBe("superseded");
  });

  test.each([
    ["a branch that was not pushed", {}, "you have not pushed"],
    ["a base that does not exist", { base: "trunk" }, "has no base trunk: it has main, release/1"],
    ["a repository that does not exist", { repo: "nope" }, "your repositories are web"],
  ])("of %s is refused", async (_, input, words) => {
    if ("base" in input) await pushed(topic, await commit({ "a.txt": "one\n" }, base));
    await expect(propose(input)).rejects.toThrow(words);
  });

  test("that adds nothing, shares no history or is proposed already is refused", async () => {
    await pushed(topic, base);
    await expect(propose()).rejects.toThrow("main contains");
    await pushed(topic, await commit({ "a.txt": "one\n" }));
    await expect(propose()).rejects.toThrow("shares no history");
    await pushed(topic, await commit({ "a.txt": "one\n" }, base));
    const row = await propose();
    await expect(propose()).rejects.toThrow(`change ${row.id} proposes this commit already`);
  });

  test("of an agent that may only read is refused", async () => {
    await pushed(topic, await commit({ "a.txt": "one\n" }, base), reader);
    await expect(propose({}, reader)).rejects.toThrow("your repositories are web (read only)");
  });

  test("marks protected files, links, submodules, unseen characters and new executables", async () => {
    const sha = await commit(
      { "CLAUDE.md": "do\n", link: "/etc/passwd", sub: "", "run.sh": "#!/bin/sh\n", "a.txt": "a\u202Eb\n", "b.bin": "\0\0" },
      base,
      { link: "120000", sub: "160000", "run.sh": "100755" },
    );
    await pushed(topic, sha);
    const marks = JSON.parse((await propose()).marks) as { kind: string; path?: string }[];
    expect(marks.map(({ kind, path }) => `${kind} ${path}`).sort()).toEqual([
      "bidi a.txt",
      "binary b.bin",
      "mode run.sh",
      "protected CLAUDE.md",
      "submodule sub",
      "symlink link",
    ]);
  });
});

describe("a decision", () => {
  beforeEach(async () => {
    await pushed(topic, await commit({ "README.md": "wide web\n", "b.bin": "\0" }, base));
  });

  test("names content that is not shown", async () => {
    const row = await propose();
    const seen = { sha: row.sha, digest: row.digest };
    await expect(system.work.decisions.approve(row.id, seen, { by: "operator", digestNeeded: true })).rejects.toThrow(
      "b.bin (not text)",
    );
    const approved = await system.work.decisions.approve(
      row.id,
      { ...seen, unshown: ["b.bin"] },
      { by: "operator", digestNeeded: true },
    );
    expect(approved).toMatchObject({ decided_by: OPERATOR, reviewed_sha: row.sha });
  });

  test("without a commit and a digest is of the round that it has looked at, and of no later one", async () => {
    const row = await propose();
    const approving = system.work.decisions.approve(row.id, { unshown: ["b.bin"] }, { by: "operator", digestNeeded: false });
    const { store } = system.system;
    await store.write(() => store.changes.update({ ...row, sha: "f".repeat(40), digest: "another", round: 2 }));
    await expect(approving).rejects.toThrow(/look again/);
    expect(system.work.changeStore.get(row.id).state).toBe("proposed");
  });

  test("of a browser names the digest", async () => {
    const row = await propose();
    await expect(system.work.decisions.approve(row.id, { sha: row.sha }, { by: "operator", digestNeeded: true })).rejects.toThrow(
      "digest",
    );
  });

  test("that sends it back says something, sends the drafts, and wakes the owner with one message", async () => {
    const row = await propose();
    await expect(system.work.decisions.return(row.id, " ", "operator")).rejects.toThrow("say what should change");
    const place = { path: "README.md", line: 1, side: "new" as const, quote: "what no line says" };
    await expect(system.work.comments.draft(row.id, { ...place, line: 2 }, "bigger", "operator")).rejects.toThrow(
      "does not show line 2",
    );
    await expect(system.work.comments.draft(row.id, { ...place, path: "x" }, "bigger", "operator")).rejects.toThrow(
      '"x" is not changed',
    );
    await system.work.comments.draft(row.id, place, "bigger", "operator");
    await system.work.comments.draft(row.id, {}, "and a test", "operator");
    await system.work.decisions.return(row.id, "Nearly.", "operator");
    const notices = noticesOf(row.id);
    expect(notices).toHaveLength(1);
    expect(notices[0]).toMatchObject({
      event: "change_returned",
      status: "changes_requested",
      note: "Nearly.",
      comments: [{ path: "README.md", line: 1, code: "wide web", text: "bigger" }, { text: "and a test" }],
    });
    await expect(system.work.decisions.approve(row.id, {}, { by: "operator", digestNeeded: false })).rejects.toThrow(
      "changes requested",
    );
  });

  test("is final when it denies; its owner gets the note", async () => {
    const row = await propose();
    await system.work.decisions.deny(row.id, "not now", "operator");
    expect(noticesOf(row.id)).toMatchObject([{ status: "denied", note: "not now" }]);
    await expect(system.work.changes.withdraw(row.id, scout, undefined)).rejects.toThrow("denied");
  });

  test("of an agent is limited to its own changes, and ends with the agent", async () => {
    const row = await propose();
    await expect(system.work.changes.withdraw(row.id, other, undefined)).rejects.toThrow("scout's");
    await system.work.changes.agentRemoved(scout);
    expect(system.work.changeStore.get(row.id)).toMatchObject({ state: "withdrawn", note: "its agent was destroyed" });
  });
});
test("an agent proposes at most a hundred times until anyone decides on a change of its", async () => {
  const { store } = system.system;
  await pushed(topic, await commit({ "README.md": "web\n", "own.txt": "one\n" }, base), other);
  const row = await propose({}, other);
  await store.write(() => store.changes.update({ ...row, undecided: 100 }));
  await pushed(topic, await commit({ "README.md": "web\n", "own.txt": "two\n" }, base), other);
  await expect(propose({}, other)).rejects.toThrow("you have proposed 100 times since anyone decided");
  await system.work.decisions.return(row.id, "another way", "operator");
  expect(await propose({}, other)).toMatchObject({ round: 2, undecided: 1 });
});

test("a comment on a long line is outdated only if the line has changed", async () => {
  const long = `${"x".repeat(2_000)}\n`;
  await pushed(topic, await commit({ "README.md": "web\n", "long.txt": long }, base));
  const row = await propose();
  const place = { path: "long.txt", line: 1, side: "new" as const, quote: long.slice(0, 1_024) };
  const { id } = await system.work.comments.draft(row.id, place, "long", "operator");
  await system.work.decisions.return(row.id, undefined, "operator");
  await pushed(topic, await commit({ "README.md": "web\n", "long.txt": long, "more.txt": "1\n" }, base));
  await propose();
  expect(system.system.store.changes.comment(id)).toMatchObject({ outdated: 0, state: "open" });
  await pushed(topic, await commit({ "README.md": "web\n", "long.txt": `y${long}` }, base));
  await propose();
  expect(system.system.store.changes.comment(id)).toMatchObject({ outdated: 1 });
});

test("under the policy reviewed the named reviewers are asked; the operator may still approve at once", async () => {
  const { repositories, decisions, changeStore } = system.work;
  await repositories.set("web", { settings: { policy: "reviewed", reviewers: ["reader", "scout", "nobody"] } });
  await pushed(topic, await commit({ "README.md": "web\n", "asked.txt": "1\n" }, base));
  const row = await propose({ title: "Ask" });
  const asked = system.system.history
    .messages({ limit: 50 }, undefined)
    .messages.filter(({ body }) => body?.includes("review_asked"));
  expect(asked.map(({ to }) => to)).toEqual(["reader"]);
  expect(JSON.parse(asked[0]?.body ?? "")).toMatchObject({
    change: row.id,
    commit: row.sha,
    branch: `scout/${topic}`,
    by: "scout",
  });
  const review = { change: row.id, commit: row.sha, verdict: "approve" as const, text: "", comments: [] };
  const nowhere = [{ path: "asked.txt", line: 7, side: "new" as const, text: "Why?" }];
  await expect(decisions.review(reader, { ...review, comments: nowhere })).rejects.toThrow("does not show line 7");
  expect(changeStore.get(row.id).state).toBe("proposed");
  expect(system.system.store.changes.comments(row.id)).toEqual([]);
  await decisions.review(reader, review);
  const waits = changeStore.get(row.id);
  expect(waits).toMatchObject({ state: "approved", decided_by: "reader" });
  expect(changeStore.view(waits).merges_at).toBe(instant((waits.decided_at ?? 0) + VETO_MS));
  // The operator's own approval does not wait.
  expect(changeStore.view({ ...waits, decided_by: OPERATOR }).merges_at).toBeUndefined();
  await decisions.approve(row.id, { sha: row.sha, digest: row.digest }, { by: "operator", digestNeeded: true });
  expect(changeStore.get(row.id)).toMatchObject({ state: "queued", decided_by: OPERATOR });
  await repositories.set("web", { settings: { policy: "operator", reviewers: [] } });
});

test("drafts that were written after a change was returned can be sent, too", async () => {
  await pushed(topic, await commit({ "README.md": "web\n", "late.txt": "1\n" }, base));
  const row = await propose();
  await system.work.decisions.return(row.id, "first", "operator");
  await system.work.comments.draft(row.id, {}, "one more thing", "operator");
  await system.work.decisions.return(row.id, undefined, "operator");
  expect(noticesOf(row.id)).toMatchObject([{ note: "first" }, { comments: [{ text: "one more thing" }] }]);
});

test("a proposal that is refused costs nothing, and one agent has one proposal read at a time", async () => {
  await pushed(topic, await commit({ "README.md": "web\n", "flood.txt": "1\n" }, base));
  const reads = vi.spyOn(system.work.context.git, "tryScript");
  try {
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => propose()));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const before = reads.mock.calls.length;
    await expect(propose()).rejects.toThrow("proposes this commit already");
    expect(reads.mock.calls.length).toBe(before);
    // One proposal reads whether it is contained, where it begins, and its diff.
    expect(before).toBe(3);
  } finally {
    reads.mockRestore();
  }
});

test("files that are too large to compare are refused before git reads them", async () => {
  const text = `${"x".repeat(1_000)}\n`.repeat(55_000);
  await pushed(topic, await commit({ "README.md": "web\n", "large.txt": text }, base));
  await expect(propose()).rejects.toThrow("touches a file of more than 50 MiB");
});
