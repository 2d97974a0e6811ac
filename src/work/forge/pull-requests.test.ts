import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ForgejoStandIn } from "../../../test/lib/forgejo-stand-in.ts";
import { GitServer } from "../../../test/lib/git-server.ts";
import { GithubStandIn } from "../../../test/lib/github-stand-in.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { OPERATOR } from "../../wire/names.ts";
import { Reverts } from "../reverts.ts";
import { POLL_MS } from "./pull-requests.ts";

const TOKEN = "a-token-of-the-operator";

const FORGES = { github: GithubStandIn, forgejo: ForgejoStandIn };

let kind: keyof typeof FORGES;
let server: GitServer;
let forge: GithubStandIn | ForgejoStandIn;
let work: TestWork;
let first: string;
let clock: number;
let at: Record<string, () => void | Promise<void>>;

const open = async (folder?: string): Promise<void> => {
  work = await openTestWork({
    ...(folder === undefined ? {} : { folder }),
    settings: { forge: kind },
    remote: { address: server.address, ca: server.ca, private: true, token: TOKEN },
    failpoint: async (name) => at[name]?.(),
    now: () => clock,
  });
  await work.queue.start();
  work.pulls.start();
};

const begin = async (program: keyof typeof FORGES): Promise<void> => {
  kind = program;
  at = {};
  clock = 1_800_000_000_000;
  server = await new GitServer({ token: TOKEN }).start();
  forge = new FORGES[kind](server, TOKEN);
  first = server.commit("a.txt", "one\n");
  await open();
};
afterEach(async () => {
  await work.close();
  await server.stop();
});

const rest = async (): Promise<void> => {
  await work.queue.idle();
  await work.pulls.idle();
  await work.queue.idle();
};
/** What the next look finds. */
const look = async (): Promise<void> => {
  clock += POLL_MS;
  work.pulls.kick("web");
  await rest();
};
/** An approved change in its open pull request. */
const pulled = async (facts: Parameters<TestWork["queued"]>[1] = {}): Promise<number> => {
  const id = await work.queued(work.commit(first, { "b.txt": "two\n" }), { branch: "topic", ...facts });
  await rest();
  return id;
};
const pull = (id: number) => work.changes.view(work.row(id)).pull_request;
const kinds = (): string[] =>
  work.store.ledger
    .audited({ before: Number.MAX_SAFE_INTEGER, limit: 100 })
    .map((line) => line.kind)
    .filter((one) => one.startsWith("pull_"))
    .reverse();

/** A new round of a change, as a proposal makes it. */
const propose = (id: number, sha: string): Promise<unknown> =>
  work.store.write((tx) =>
    work.changes.move(tx, id, "propose", "scout", {
      sha,
      round: work.row(id).round + 1,
      title: "A better change",
      decided_by: null,
    }),
  );
const approve = async (id: number): Promise<void> => {
  await work.store.write((tx) => work.changes.move(tx, id, "approve", OPERATOR, { decided_by: OPERATOR }));
  await work.queue.enqueue(id);
  await rest();
};

describe.each(["github", "forgejo"] as const)("on %s", (program) => {
  beforeEach(() => begin(program));

  test("its branch begins with the prefix of the hive, and keeps it when another one is set", async () => {
    work.context.branchPrefix = "bots/team-a";
    const id = await pulled({});
    const head = "bots/team-a/scout/topic";
    expect(server.tip(head)).toBe(work.row(id).sha);
    expect(forge.last).toMatchObject({ head });
    work.context.branchPrefix = "other";
    await look();
    expect(pull(id)).toMatchObject({ state: "open", branch: head });
  });

  test("an approved change becomes a pull request, and merged once it is merged there", async () => {
    const id = await pulled({ title: "Add b", body: "Because of b." });
    const head = `hive/${work.context.hiveId}/scout/topic`;
    expect(work.row(id)).toMatchObject({ state: "in_pull_request", reason: null });
    expect(server.tip(head)).toBe(work.row(id).sha);
    expect(server.tip()).toBe(first);
    expect(forge.last).toMatchObject({ title: "Add b", head, base: "main", state: "open" });
    expect(forge.last.body).toContain(`Hive-Change: web/${id}`);
    expect(forge.last.body).toMatch(/---\n\nBecause of b\.$/);
    const page = `${server.address.replace(/\.git$/, "")}/${kind === "github" ? "pull" : "pulls"}/7`;
    expect(pull(id)).toEqual({ state: "open", forge: kind, number: 7, url: page, branch: head });
    await look();
    expect(work.row(id).state).toBe("in_pull_request");
    const commit = forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit, note: expect.stringContaining(page) as string });
    expect(work.tip()).toBe(commit);
    expect(pull(id)).toMatchObject({ state: "merged", number: 7 });
    expect(kinds()).toEqual(["pull_request_opened", "pull_request_merged"]);
    expect(work.unexpected).toEqual([]);
    // Nothing more is asked.
    const calls = forge.calls.length;
    await look();
    expect(forge.calls.length).toBe(calls);
  });

  test("it is merged however the host merges, and others go on from there", async () => {
    const id = await pulled();
    const commit = forge.merge(7, "squash");
    await look();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
    const next = await work.queued(work.commit(commit, { "c.txt": "three\n" }), { branch: "other" });
    await rest();
    expect(work.row(next).state).toBe("in_pull_request");
    expect(forge.last).toMatchObject({ number: 8, state: "open" });
  });

  test("closed there, it is back with its owner", async () => {
    const id = await pulled();
    forge.close(7);
    await look();
    expect(work.row(id)).toMatchObject({
      state: "changes_requested",
      note: expect.stringMatching(/the pull request 7 was closed without being merged: https:/) as string,
    });
    expect(work.notices).toMatchObject([{ event: "change_returned", status: "changes_requested" }]);
    expect(pull(id)).toMatchObject({ state: "closed" });
  });

  test("a newer round updates the branch and the text of the same pull request, once it is approved", async () => {
    const id = await pulled();
    const before = forge.last.sha;
    const sha = work.commit(first, { "b.txt": "better\n" });
    await propose(id, sha);
    await look();
    expect(forge.last).toMatchObject({ state: "open", sha: before, title: "A change" });
    await approve(id);
    await look();
    expect(forge.pulls).toHaveLength(1);
    expect(forge.last).toMatchObject({ state: "open", sha, title: "A better change" });
    const commit = forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
    expect(kinds()).toEqual(["pull_request_opened", "pull_request_updated", "pull_request_merged"]);
  });

  test("the pull request of an ended change does not keep its branch from the next one", async () => {
    await pulled();
    forge.merge(7);
    await look();
    const next = await work.queued(work.commit(work.tip(), { "c.txt": "three\n" }), { branch: "topic" });
    await rest();
    expect(forge.last).toMatchObject({ number: 8, state: "open", sha: work.row(next).sha });
    server.git("update-ref", "-d", `refs/heads/${forge.last.head}`);
    forge.merge(8);
    await look();
    expect(work.row(next).state).toBe("merged");
    const third = await work.queued(work.commit(work.tip(), { "d.txt": "four\n" }), { branch: "topic" });
    await rest();
    expect(forge.last).toMatchObject({ number: 9, state: "open", sha: work.row(third).sha });
  });
});

describe("on any forge", () => {
  beforeEach(() => begin("github"));

  /** Proposes to revert a change. Returns the commit that is proposed. */
  const revert = async (id: number): Promise<string> => {
    const { context, repositories, changes } = work;
    const proposeOwn = async (_repo: unknown, { sha }: { sha: string }) => ({ sha }) as never;
    const reverts = new Reverts({ context, repositories, changeStore: changes, changes: { proposeOwn } });
    return (await reverts.propose(id, undefined, OPERATOR)).sha;
  };
  const names = (sha: string) => work.tree(sha).match(/\t.*/g);

  test.each(["merge", "squash", "rebase"] as const)(
    "what was merged there as a %s can be reverted, and nothing else",
    async (how) => {
      const id = await pulled();
      await propose(id, work.commit(work.row(id).sha, { "c.txt": "three\n" }));
      await approve(id);
      server.commit("others.txt", "before\n");
      forge.merge(7, how);
      server.commit("more.txt", "after\n");
      await look();
      expect(work.row(id).state).toBe("merged");
      expect(names(work.tip())).toEqual(["\ta.txt", "\tb.txt", "\tc.txt", "\tmore.txt", "\tothers.txt"]);
      expect(names(await revert(id))).toEqual(["\ta.txt", "\tmore.txt", "\tothers.txt"]);
    },
  );

  test("a base that was moved forward there to a merge of the agent's is reverted to where it was", async () => {
    const side = work.commit(first, { "c.txt": "three\n" });
    const own = work.commit(first, { "b.txt": "two\n" });
    const tree = work.git("merge-tree", "--write-tree", own, side);
    const author = "Ada <ada@hive.invalid> 1767323045 +0000";
    const lines = [`tree ${tree}`, `parent ${own}`, `parent ${side}`, `author ${author}`, `committer ${author}`, "", "a merge\n"];
    const id = await work.queued(work.object(Buffer.from(lines.join("\n"))), { branch: "topic" });
    await rest();
    forge.merge(7, "forward");
    await look();
    expect(names(work.tip())).toEqual(["\ta.txt", "\tb.txt", "\tc.txt"]);
    expect(names(await revert(id))).toEqual(["\ta.txt"]);
  });

  test("what was merged there with other lines is not reverted by a guess", async () => {
    const id = await pulled();
    server.commit("b.txt", "two and theirs\n", forge.last.head);
    forge.merge(7, "squash");
    await look();
    expect(work.row(id).state).toBe("merged");
    await expect(revert(id)).rejects.toThrow(/has merged change \d+ as other commits.*revert it there, or ask an agent/);
  });

  test.each(["deny", "withdraw", "supersede", "orphan", "dequeue"] as const)("%s closes the pull request", async (event) => {
    const id = await pulled();
    const undecided = event === "dequeue" ? { decided_by: null, decided_at: null } : {};
    await work.store.write((tx) => work.changes.move(tx, id, event, OPERATOR, undecided));
    await rest();
    expect(forge.last.state).toBe("closed");
    expect(pull(id)).toMatchObject({ state: "closed", number: 7 });
    expect(work.row(id).state).not.toBe("in_pull_request");
    expect(kinds()).toEqual(["pull_request_opened", "pull_request_closed"]);
  });

  test("an earlier round that is merged there does not merge the newer one, which gets a pull request of its own", async () => {
    const id = await pulled();
    const old = work.row(id).sha;
    const sha = work.commit(old, { "c.txt": "more\n" });
    await propose(id, sha);
    forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({
      state: "proposed",
      note: expect.stringContaining("an earlier round was merged") as string,
    });
    await approve(id);
    expect(work.row(id).state).toBe("in_pull_request");
    expect(forge.last).toMatchObject({ number: 8, state: "open", sha });
  });

  test.each(["pull_stored", "pull_push", "pull_pushed", "pull_open", "pull_opened"])(
    "a daemon that ends at %s leaves what the next one opens, once",
    async (point) => {
      at[point] = () => Promise.reject(new Error("killed"));
      const id = await work.queued(work.commit(first, { "b.txt": "two\n" }), { branch: "topic" });
      await rest();
      expect(work.unexpected).not.toEqual([]);
      await work.close({ keep: true });
      at = {};
      await open(work.top);
      await rest();
      expect(work.row(id).state).toBe("in_pull_request");
      expect(pull(id)).toMatchObject({ state: "open", number: 7 });
      expect(forge.pulls).toMatchObject([{ state: "open", sha: work.row(id).sha }]);
      expect(kinds().filter((one) => one === "pull_request_opened").length).toBeLessThan(2);
    },
  );

  test.each(["pull_merged", "pull_fetched"])("a daemon that ends at %s leaves what the next one merges", async (point) => {
    const id = await pulled();
    at[point] = () => Promise.reject(new Error("killed"));
    const commit = forge.merge(7);
    await look();
    expect(work.row(id).state).toBe("in_pull_request");
    await work.close({ keep: true });
    at = {};
    await open(work.top);
    await rest();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
    expect(work.tip()).toBe(commit);
  });

  test("a pull request whose opening was not answered is found, not opened again", async () => {
    forge.breaks = ({ method }) => method === "POST";
    const id = await pulled();
    expect(pull(id)).toMatchObject({ state: "opening", failed: expect.stringContaining("broke") as string });
    forge.breaks = () => false;
    // Merged before the hive knew of it.
    const commit = forge.merge(7);
    await look();
    expect(forge.pulls).toHaveLength(1);
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
  });

  test("a change that ends while the forge does not answer has its pull request closed later", async () => {
    const id = await pulled();
    forge.instead = () => ({ status: 502 });
    await work.store.write((tx) => work.changes.move(tx, id, "deny", OPERATOR, {}));
    await rest();
    expect(pull(id)).toMatchObject({ state: "open", failed: expect.stringContaining("answers with 502") as string });
    await work.close({ keep: true });
    forge.instead = () => undefined;
    await open(work.top);
    await rest();
    expect(forge.last.state).toBe("closed");
    expect(pull(id)).toEqual(expect.not.objectContaining({ failed: expect.anything() as unknown }));
  });

  test.each([
    ["pull_push", undefined, 0],
    ["pull_open", undefined, 0],
    ["pull_push", "dequeue", 0],
    ["pull_open", "supersede", 0],
  ] as const)("a change that is over at %s (%s) is neither pushed nor opened after that", async (point, how, opened) => {
    let wasPushed = false;
    at[point] = async () => {
      at = {};
      const [id] = work.store.pulls.live().map(({ change }) => change);
      wasPushed = point === "pull_open";
      await work.store.write((tx) => work.changes.move(tx, id ?? 0, how ?? "deny", OPERATOR, {}));
    };
    const id = await pulled();
    expect(forge.pulls).toHaveLength(opened);
    expect(server.tip(`hive/${work.context.hiveId}/scout/topic`) === work.row(id).sha).toBe(wasPushed);
    expect(pull(id)).toMatchObject({ state: "closed" });
    expect(work.unexpected).toEqual([]);
  });

  test("a change that is denied while the forge is asked is not pushed", async () => {
    let denied: Promise<unknown> | undefined;
    forge.instead = ({ method }) => {
      const [id] = work.store.pulls.live().map(({ change }) => change);
      if (method === "GET" && id !== undefined)
        denied ??= work.store.write((tx) => work.changes.move(tx, id, "deny", OPERATOR, {}));
      return undefined;
    };
    const id = await pulled();
    await denied;
    expect(forge.pulls).toEqual([]);
    expect(server.tip(`hive/${work.context.hiveId}/scout/topic`)).not.toBe(work.row(id).sha);
    expect(pull(id)).toMatchObject({ state: "closed" });
  });

  test("a change that is approved again while its pull request is closed gets another one", async () => {
    const id = await pulled();
    at["pull_closed"] = async () => {
      at = {};
      await work.store.write((tx) => work.changes.move(tx, id, "approve", OPERATOR, { decided_by: OPERATOR }));
      await work.queue.enqueue(id);
      await work.queue.idle();
    };
    await work.store.write((tx) => work.changes.move(tx, id, "dequeue", OPERATOR, { decided_by: null, decided_at: null }));
    await rest();
    expect(work.row(id).state).toBe("in_pull_request");
    expect(forge.last).toMatchObject({ number: 8, state: "open" });
  });

  test("what the forge refuses comes back with its words, and can be tried again", async () => {
    forge.instead = ({ method }) =>
      method === "POST" ? { status: 422, json: { message: "Validation Failed", errors: [{ message: "not now" }] } } : undefined;
    const id = await pulled();
    expect(work.row(id)).toMatchObject({
      state: "push_failed",
      reason: expect.stringMatching(/refuses it \(Validation Failed: not now\)/) as string,
    });
    forge.instead = () => undefined;
    await work.store.write((tx) => work.changes.move(tx, id, "retry", OPERATOR, { queued_at: clock }));
    work.queue.kickAll("web");
    await rest();
    expect(work.row(id).state).toBe("in_pull_request");
    expect(forge.last).toMatchObject({ number: 7, state: "open" });
  });

  test("commits that others have pushed to its branch are not pushed over", async () => {
    const id = await pulled();
    const theirs = server.commit("theirs.txt", "theirs\n", forge.last.head);
    await propose(id, work.commit(first, { "b.txt": "better\n" }));
    await approve(id);
    await look();
    expect(server.tip(forge.last.head)).toBe(theirs);
    expect(work.row(id)).toMatchObject({ state: "push_failed", reason: expect.stringContaining(theirs) as string });
  });

  test("a forge that limits calls is left alone until it says, and one without a good token waits for another", async () => {
    forge.instead = () => ({ status: 429, headers: { "retry-after": "600" } });
    const id = await pulled();
    expect(pull(id)?.failed).toContain("limits how often it is asked");
    const calls = forge.calls.length;
    work.pulls.kick("web");
    await rest();
    clock += 599_000;
    await work.store.write((tx) => work.changes.note(tx, id, {}));
    await rest();
    expect(forge.calls.length).toBe(calls);
    forge.instead = () => ({ status: 401 });
    clock += 2_000;
    await work.store.write((tx) => work.changes.note(tx, id, {}));
    await rest();
    expect(pull(id)?.failed).toContain("hivectl repo login web --forge-token-stdin");
    forge.instead = () => undefined;
    await work.context.forgeCredentials.keep("web", { kind: "token", token: TOKEN });
    work.pulls.kick("web");
    await rest();
    expect(pull(id)).toMatchObject({ state: "open", number: 7 });
    expect(work.row(id).state).toBe("in_pull_request");
    expect(work.unexpected).toEqual([]);
  });

  test("an open pull request is asked for with the mark of the last answer, and a repetition stores nothing", async () => {
    const id = await pulled();
    await look();
    const { seq } = work.row(id);
    await look();
    expect(forge.calls.at(-1)?.headers["if-none-match"]).toBeDefined();
    expect(work.row(id).seq).toBe(seq);
  });

  test("a pull request whose calls fail for ever does not keep the others of its repository from theirs", async () => {
    forge.instead = ({ method, body }) => (method === "POST" && body["title"] === "Bad" ? { status: 502 } : undefined);
    const bad = await pulled({ title: "Bad" });
    expect(pull(bad)?.failed).toContain("answers with 502");
    const good = await work.queued(work.commit(first, { "c.txt": "three\n" }), { branch: "other" });
    await rest();
    // It has failed first, and again after its pause. Then it is the turn of the others.
    for (const minutes of [2, 20]) {
      clock += minutes * POLL_MS;
      await work.store.write((tx) => work.changes.note(tx, good, {}));
      await rest();
    }
    expect(pull(good)).toMatchObject({ state: "open", number: 7 });
    expect(pull(bad)?.state).toBe("opening");
  });

  test("a pull request that is gone is back with its owner, unless the whole repository cannot be seen", async () => {
    const id = await pulled();
    forge.instead = () => ({ status: 404, json: { message: "Not Found" } });
    await look();
    expect(work.row(id).state).toBe("in_pull_request");
    expect(pull(id)?.failed).toContain("or hides it from this token");
    forge.instead = () => undefined;
    forge.pulls.length = 0;
    await look();
    expect(work.row(id)).toMatchObject({
      state: "changes_requested",
      note: expect.stringContaining("the pull request 7 is gone") as string,
    });
    expect(pull(id)?.state).toBe("closed");
  });

  test("a wrong program is corrected with the setting, for what is open as well", async () => {
    await work.repositories.set("web", { settings: { forge: "forgejo" } });
    const id = await pulled();
    expect(pull(id)).toMatchObject({ forge: "forgejo", failed: expect.stringContaining("has no team/web") as string });
    await work.repositories.set("web", { settings: { forge: "github" } });
    work.pulls.kick("web");
    await rest();
    expect(pull(id)).toMatchObject({ state: "open", forge: "github", number: 7 });
    await work.repositories.set("web", { settings: { forge: "none" } });
    const commit = forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
  });

  test("a commit that is proposed again after its merge was reverted there gets a pull request of its own", async () => {
    const id = await pulled();
    forge.merge(7, "squash");
    await look();
    const undone = server.git("commit-tree", `${first}^{tree}`, "-p", work.tip(), "-m", "undo it");
    server.git("update-ref", "refs/heads/main", undone);
    await work.upstreams.fetch("web");
    const again = await work.queued(work.row(id).sha, { branch: "topic" });
    await rest();
    expect(work.row(again).state).toBe("in_pull_request");
    expect(pull(again)).toMatchObject({ state: "open", number: 8 });
  });

  test("an earlier round that is merged there with commits of others does not merge the newer one", async () => {
    const id = await pulled();
    await propose(id, work.commit(work.row(id).sha, { "c.txt": "more\n" }));
    server.commit("theirs.txt", "theirs\n", forge.last.head);
    forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({
      state: "proposed",
      note: expect.stringContaining("an earlier round was merged") as string,
    });
    expect(pull(id)).toMatchObject({ state: "merged", number: 7 });
  });

  test("a branch that was removed there is pushed again for the same commit", async () => {
    const id = await pulled();
    const { head } = forge.last;
    forge.close(7);
    server.git("update-ref", "-d", `refs/heads/${head}`);
    await look();
    expect(work.row(id).state).toBe("changes_requested");
    await propose(id, work.row(id).sha);
    await approve(id);
    expect(work.row(id)).toMatchObject({ state: "in_pull_request", reason: null });
    expect(server.tip(head)).toBe(work.row(id).sha);
    expect(forge.last).toMatchObject({ number: 8, state: "open" });
  });

  test("a forge that marks each answer in another way is asked once a minute like any other", async () => {
    await pulled();
    await look();
    let marks = 0;
    // It ends, so that the test ends as well if each mark is a reason to ask again.
    Object.assign(forge, { etag: () => `"${Math.min(++marks, 20)}"` });
    const before = forge.calls.length;
    await look();
    expect(forge.calls.length).toBe(before + 1);
    await look();
    expect(forge.calls.length).toBe(before + 2);
  });

  test("one that is merged into another branch makes the change stale, and says where it went", async () => {
    const id = await pulled();
    server.git("update-ref", "refs/heads/next", first);
    forge.last.base = "next";
    forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({
      state: "stale",
      reason: expect.stringContaining("into next and not into main") as string,
    });
    expect(work.tip()).toBe(first);
  });

  test("what the forge calls merged is merged here only once the base of the upstream has it", async () => {
    const id = await pulled();
    const lie = { state: "closed" as const, merged: true, mergeCommit: "f".repeat(40) };
    Object.assign(forge.last, lie);
    await look();
    expect(work.row(id).state).toBe("in_pull_request");
    expect(pull(id)?.failed).toContain("main of the upstream does not contain it yet");
    const commit = forge.merge(7);
    await look();
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: commit });
  });

  test("a branch that is proposed for another base waits until the pull request for the first one is closed", async () => {
    server.git("branch", "release", first);
    await work.upstreams.fetch("web");
    const id = await pulled();
    const { head, sha } = forge.last;
    forge.instead = ({ method }) => (method === "PATCH" ? { status: 502 } : undefined);
    await work.store.write((tx) => work.changes.move(tx, id, "supersede", OPERATOR, {}));
    await rest();
    const next = await work.queued(work.commit(first, { "b.txt": "for the release\n" }), { branch: "topic", base: "release" });
    await rest();
    await look();
    await look();
    expect(server.tip(head)).toBe(sha);
    expect(pull(next)).toMatchObject({
      state: "opening",
      failed: expect.stringContaining(`still has the pull request of change ${id}`) as string,
    });
    forge.instead = () => undefined;
    await look();
    await look();
    expect(pull(id)).toMatchObject({ state: "closed" });
    expect(forge.last).toMatchObject({ number: 8, base: "release", state: "open" });
    expect(server.tip(head)).toBe(work.row(next).sha);
  });

  test("a token of the repository that is added next does not go to the host of the removed one", async () => {
    const other = await new GitServer({ token: "another-token" }).start();
    try {
      other.commit("a.txt", "other\n");
      const before = work.repositories.get("web");
      at["pull_push"] = async () => {
        at = {};
        await work.repositories.remove("web");
        await work.upstreams.addRemote(
          "web",
          { address: other.address, ca: other.ca, private: true, token: "another-token" },
          {},
        );
      };
      await pulled();
      expect(forge.pulls).toEqual([]);
      expect(server.seen.filter((one) => one.includes("git-receive-pack"))).toEqual([]);
      // Whoever still has the old one, the credential of its name is not for that host.
      const move = { ref: "refs/heads/x", from: undefined, to: first };
      await expect(work.remotes.push(before, move, new AbortController().signal)).rejects.toThrow(
        /web no longer follows .*: it was removed, or added anew/,
      );
      expect(() => before.upstream?.kind === "remote" && work.remotes.forge("web", before.upstream, kind)).toThrow(
        /no longer follows/,
      );
      expect(work.unexpected).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  test("a repository is removed once the call that runs for it has ended", async () => {
    const asked = Promise.withResolvers<void>();
    // It never answers.
    server.instead = ({ url = "" }) => {
      if (!url.startsWith("/api/")) return false;
      asked.resolve();
      return true;
    };
    await work.queued(work.commit(first, { "b.txt": "two\n" }), { branch: "topic" });
    await asked.promise;
    await work.repositories.remove("web");
    await work.pulls.forget("web");
    await work.pulls.idle();
    expect(work.unexpected).toEqual([]);
  });

  test("settings that cannot work together are refused, and a removed repository leaves nothing of it", async () => {
    const { repositories, context, store } = work;
    await expect(repositories.set("web", { settings: { push: "after-merge" } })).rejects.toThrow(
      /the other host merges: it takes no --push after-merge/,
    );
    await expect(repositories.create("own", { forge: "github" })).rejects.toThrow(/follows no other host.*takes no --forge/);
    const id = await pulled();
    await context.forgeCredentials.keep("web", { kind: "token", token: "another" });
    await repositories.remove("web");
    await look();
    expect(store.pulls.of(id)).toBeUndefined();
    expect(context.forgeCredentials.of("web")).toBeUndefined();
    expect(work.unexpected).toEqual([]);
  });
});
