import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openStoreIn } from "../../test/lib/store.ts";
import { instant } from "../wire/instant.ts";
import type { ChangeRecord } from "./changes.ts";
import type { Store } from "./store.ts";

let folder: string;
let store: Store;
let turns = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "change-usage-"));
  store = openStoreIn(folder);
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const push = (branch: string, at: number): Promise<void> =>
  store.write(() => store.repositories.putBranch({ repo: "web", agent: "a1", branch, sha: "s", pushed_at: at }));
async function proposed(id: number, branch: string, at: number, over: Partial<ChangeRecord> = {}): Promise<ChangeRecord> {
  const texts = { title: `change ${id}`, body: "", sha: "s", digest: "d", stat: "{}", marks: "[]", base: "main" };
  const none = { decided_by: null, decided_at: null, reviewed_sha: null, note: null, reason: null, queued_at: null };
  const nothing = { candidate: null, candidate_base: null, merged_sha: null, early_check: null, merge_base: null };
  const row: ChangeRecord = {
    ...texts,
    ...none,
    ...nothing,
    id,
    seq: id,
    repo: "web",
    agent: "a1",
    agent_name: "scout",
    branch,
    round: 1,
    state: "proposed",
    proposed_at: at,
    updated_at: at,
    has_log: 0,
    undecided: 1,
    ...over,
  };
  await store.write(() => store.changes.insert(row));
  return row;
}
const ended = (row: ChangeRecord, at: number, state: ChangeRecord["state"] = "merged"): Promise<void> =>
  store.write(() => store.changes.update({ ...row, state, seq: store.nextSeq() + 1_000, updated_at: at }));
async function turn(at: number, cost: number | undefined, agent = "a1"): Promise<void> {
  const n = ++turns;
  const tokens = { input: 10, output: 0, cache_read: 0, cache_write: 0 };
  const end = { type: "turn_end", turn: n, ok: true, result: "ok", reason: "", duration_ms: 1, tokens, cost_usd: cost } as const;
  await store.write(() =>
    store.turns.append(
      agent,
      agent,
      "i",
      [
        { n: 2 * n, at: instant(at - 1), event: { type: "turn_start", turn: n } as never },
        { n: 2 * n + 1, at: instant(at), event: end },
      ],
      store.nextSeq,
    ),
  );
}
const costs = (since = 0, limit = 10) =>
  store.changes
    .usage(since, limit)
    .map(({ change, turns: count, tokens, costUsd, unpriced }) => [change, count, tokens, costUsd, unpriced]);

test("a change has cost the turns of its agent from the first push to its end, and no other", async () => {
  await turn(90, 50);
  await push("topic", 100);
  await turn(150, 1);
  await push("topic", 200);
  const change = await proposed(1, "topic", 210);
  await turn(250, undefined);
  await turn(260, 20, "someone else");
  await ended(change, 300);
  await turn(350, 50);
  // A later note changes no end.
  await ended({ ...change, note: "thanks" }, 400);
  expect(costs()).toEqual([[1, 2, 20, 1, 1]]);
});

test("the next change of a branch begins with the first push after the last one ended", async () => {
  await push("topic", 100);
  const first = await proposed(1, "topic", 110);
  await push("topic", 120);
  await ended(first, 200, "denied");
  await turn(250, 9);
  await push("topic", 300);
  await proposed(2, "topic", 310);
  await turn(320, 2);
  expect(costs()).toEqual([
    [2, 1, 10, 2, 0],
    [1, 0, 0, 0, 0],
  ]);
});

test("a change whose first push is not known begins when it is proposed; those that ended before, and the operator's, are left out", async () => {
  const old = await proposed(1, "unknown", 100);
  await ended(old, 150, "withdrawn");
  await proposed(2, "unknown", 200);
  await proposed(3, "revert", 200, { agent: "operator", agent_name: "operator" });
  await turn(210, 1);
  expect(costs(151)).toEqual([[2, 1, 10, 1, 0]]);
  expect(costs(0, 1)).toEqual([]);
  expect(costs(0, 2)).toEqual([[2, 1, 10, 1, 0]]);
});

test("the changes of a repository that is removed are forgotten", async () => {
  await proposed(1, "topic", 100);
  await store.write(() => store.changes.removeOf("web"));
  expect(costs()).toEqual([]);
  await proposed(1, "topic", 100);
  expect(costs()).toEqual([[1, 0, 0, 0, 0]]);
});
