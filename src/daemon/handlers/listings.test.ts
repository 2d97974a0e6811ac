import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../../test/lib/system.ts";
import { stateOf } from "../../agents/agent.ts";
import type { HarnessSession } from "../../agents/harness-session.ts";
import type { ApprovalRecord } from "../../store/approvals.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import { MAX_LISTING_BYTES, MAX_NOTE_CHARS, MAX_PAGE_ROWS, MAX_SNAPSHOT_LIST_BYTES } from "../../wire/limits.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Input, OperationName, Output } from "../../wire/operations.ts";
import { MAX_CHANGE_BODY_CHARS } from "../../wire/work.ts";
import { repoListing } from "../listings.ts";
import type { CallerContext } from "./types.ts";

/** Listings of the longest texts that their writers may store. Each character takes six bytes of JSON. */
const LONG = "\u0001";
const SHA = "a".repeat(40);
const COUNT = 100;
/** The commas between rows, and the rest of an answer. */
const SLACK = 64 * 1024;

let system: TestSystem;
let scout: CallerContext;
const call = <N extends OperationName>(name: N, input: Input<N>, caller: CallerContext = system.operator): Promise<Output<N>> =>
  system.callAs(caller, name, input);

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

beforeAll(async () => {
  system = await openTestSystem();
  await system.work.start();
  await call("repo_create", { name: "web" });
  const spawned = await system.requests.spawn({
    name: "scout",
    config: { repos: [{ name: "web" }], egress: ["a.example", "*.b.example"] } as never,
    by: OPERATOR,
    origin: "spawn",
  });
  await system.deploys.finished(spawned.id);
  const agent = system.system.swarm.byName("scout");
  scout = { kind: "agent", agent } as unknown as CallerContext;
  const { store } = system.system;
  const like = store.approvals.byId(spawned.id) as ApprovalRecord;
  const note = LONG.repeat(MAX_NOTE_CHARS);
  const at = Date.now();
  const change = (): Omit<ChangeRecord, "id" | "seq"> => ({
    repo: "web",
    agent: agent.id,
    agent_name: "scout",
    branch: "topic",
    base: "main",
    round: 1,
    state: "proposed",
    title: "a change",
    body: LONG.repeat(MAX_CHANGE_BODY_CHARS),
    sha: SHA,
    merge_base: null,
    digest: "b".repeat(64),
    stat: JSON.stringify({ files: 1, added: 1, removed: 0 }),
    marks: "[]",
    proposed_at: at,
    updated_at: at,
    decided_by: null,
    decided_at: null,
    reviewed_sha: null,
    note,
    reason: note,
    queued_at: null,
    candidate: null,
    candidate_base: null,
    merged_sha: null,
    has_log: 0,
    early_check: null,
    undecided: 0,
  });
  await store.write(() => {
    for (let n = 0; n < COUNT; n++) {
      const texts = { description: note, note, error: note, requested_by: OPERATOR };
      for (const state of ["pending", "denied"] as const) {
        const id = store.nextSeq();
        store.approvals.insert({ ...like, ...texts, id, seq: id, state, digest: null, resolved_by: null });
      }
      const id = store.nextSeq();
      store.changes.insert({ ...change(), id, seq: id });
      for (let more = 0; more < 3; more++)
        store.ledger.audit(store.nextSeq(), {
          at,
          actor: OPERATOR,
          kind: "noted",
          agent: "scout",
          request: spawned.id,
          reason: note,
        });
    }
    for (let n = 0; n < 20_000; n++)
      store.repositories.putBranch({ repo: "web", agent: agent.id, branch: `b${n}/${"x".repeat(100)}`, sha: SHA, pushed_at: at });
  });
});
afterAll(async () => {
  expect(system.unexpected).toEqual([]);
  await system.close();
});

const ids = (rows: readonly { id: number }[]): number[] => rows.map(({ id }) => id);
type Page = { rows: number[]; more?: boolean | undefined; bytes: number };
const page = (rows: number[], output: { more?: boolean | undefined }): Page => ({
  rows,
  more: output.more,
  bytes: bytesOf(output),
});

test.each<[string, number, (before: number | undefined, limit: number) => Promise<Page>]>([
  [
    "approvals",
    2 * COUNT + 1,
    (before, limit) => call("approvals", { limit, before }).then((out) => page(ids(out.approvals), out)),
  ],
  [
    "approvals of an agent",
    2 * COUNT + 1,
    (before, limit) => call("approvals", { limit, before, agent: "scout" }).then((out) => page(ids(out.approvals), out)),
  ],
  [
    "open approvals",
    COUNT,
    (before, limit) => call("approvals", { limit, before, open: true }).then((out) => page(ids(out.approvals), out)),
  ],
  [
    "deploys",
    COUNT + 1,
    (before, limit) => call("deploys", { limit, before, agent: "scout" }).then((out) => page(ids(out.deploys), out)),
  ],
  ["changes", COUNT, (before, limit) => call("changes", { limit, before }).then((out) => page(ids(out.changes), out))],
  [
    "open changes",
    COUNT,
    (before, limit) => call("changes", { limit, before, open: true }).then((out) => page(ids(out.changes), out)),
  ],
  [
    "an agent's changes",
    COUNT,
    (before, limit) => call("list_changes", { limit, before }, scout).then((out) => page(ids(out.changes), out)),
  ],
  [
    "the audit trail",
    3 * COUNT,
    (before, limit) =>
      call("audit", { limit, before, kind: "noted" }).then((out) =>
        page(
          out.entries.map(({ seq }) => seq),
          out,
        ),
      ),
  ],
])("%s ends within the bytes of a listing, and goes on from there", async (_, count, read) => {
  const seen: number[] = [];
  for (let pages = 1; ; pages++) {
    const { rows, more, bytes } = await read(seen.at(-1), MAX_PAGE_ROWS);
    expect(bytes).toBeLessThan(MAX_LISTING_BYTES + SLACK);
    seen.push(...rows);
    if (more === true) continue;
    expect(pages).toBeGreaterThan(1);
    break;
  }
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => b - a));
  expect(seen).toHaveLength(count);
  // The number of rows ends it, too; and the last page says that it is the last.
  const few = await read(undefined, 2);
  expect(few).toMatchObject({ rows: seen.slice(0, 2), more: true });
  expect((await read(seen.at(-3), 2)).more).toBeUndefined();
});

test("the branches of a repository end within the bytes of a listing, and go on from there", async () => {
  const seen: string[] = [];
  let after: { agent: string; branch: string } | undefined;
  for (;;) {
    const { repo: _repo, ...output } = await call("repo", { name: "web", after });
    expect(bytesOf(output)).toBeLessThan(MAX_LISTING_BYTES + SLACK);
    for (const { branch } of output.branches) seen.push(branch);
    if (output.more !== true) break;
    after = output.branches.at(-1);
  }
  expect(after).toBeDefined();
  expect(new Set(seen).size).toBe(20_000);
  expect(seen).toHaveLength(20_000);
});

test("a harness reads the refs of its agent's repository to their end, and those of no other", async () => {
  const session = {} as HarnessSession;
  const agent = system.system.swarm.byName("scout");
  stateOf(agent).harness.session = session;
  const harness = { kind: "agent", agent, harness: session } as unknown as CallerContext;
  const first = await call("refs", { repo: "web" }, harness);
  expect(bytesOf(first)).toBeLessThan(MAX_LISTING_BYTES + SLACK);
  expect(first.more).toBe(true);
  // Each branch under its full name and under its short one.
  const last = `refs/heads/scout/b19999/${"x".repeat(100)}`;
  const { refs, more } = await call("refs", { repo: "web", after: last.replace("19999", "19998") }, harness);
  expect({ first: refs[0], more }).toEqual({ first: { name: last, sha: SHA }, more: undefined });
  await call("repo_create", { name: "secret" });
  await expect(call("refs", { repo: "secret" }, harness)).rejects.toThrow("scout has no repository secret");
  stateOf(agent).harness.session = undefined;
});

test("the repositories end within the bytes that are asked for, and go on after a name", () => {
  const all = ["web", "api", "docs"].map((name) => ({ name }));
  const repositories = { all: () => all, view: ({ name }: { name: string }) => ({ name, check: "x".repeat(100) }) } as never;
  const first = repoListing(repositories, { bytes: 300 });
  expect(first).toMatchObject({ rows: [{ name: "api" }, { name: "docs" }], more: true });
  expect(repoListing(repositories, { after: "docs", bytes: 300 })).toMatchObject({ rows: [{ name: "web" }] });
  expect(repoListing(repositories, { after: "web" })).toEqual({ rows: [] });
});

test("a snapshot has the newest open requests and changes, and says that there are more", async () => {
  const { state } = await call("state", {});
  for (const list of [state.approvals, state.changes]) {
    expect(bytesOf(list)).toBeLessThan(MAX_SNAPSHOT_LIST_BYTES + SLACK);
    expect(ids(list)).toEqual(ids(list).sort((a, b) => a - b));
  }
  expect(state.more).toMatchObject({ approvals: true, changes: true, repos: false });
  const { changes } = await call("changes", { open: true, before: state.changes[0]?.id });
  expect(ids(changes).every((id) => id < (state.changes[0]?.id ?? 0))).toBe(true);
  expect(changes).not.toHaveLength(0);
});

test("a denied connection says whether its host is on the list by now", async () => {
  const { store, swarm } = system.system;
  const denied = (host: string, port: number, verdict: string) =>
    store.ledger.connect({ agent: swarm.byName("scout").id, at: 1, host, port, verdict, bytesIn: 0, bytesOut: 0 });
  await store.write(() => {
    denied("a.example", 443, "not listed");
    denied("x.b.example", 443, "not listed");
    denied("a.example", 8443, "port not listed");
    denied("c.example", 443, "not listed");
    denied("a.example", 443, "wrong server name");
  });
  const { connections } = await call("egress", { agent: "scout" });
  expect(connections.map(({ listed }) => listed).reverse()).toEqual([true, true, undefined, undefined, undefined]);
});
