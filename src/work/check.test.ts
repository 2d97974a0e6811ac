import { afterEach, expect, test } from "vitest";
import { moveRef, removeRef } from "../os/git/refs.ts";
import type { ChangeRecord } from "../store/changes.ts";
import { openTestWork, type TestWork } from "../../test/lib/work.ts";
import { checkWork } from "./check.ts";

let work: TestWork;
afterEach(() => work.close());

/** Two merged changes, by merge and by rebase, one that its base contained, and an open one. */
async function busy(): Promise<{ merged: number; rebased: number; open: number }> {
  work = await openTestWork();
  await work.queue.start();
  const start = work.tip();
  const merged = await work.queued(work.commit(start, { b: "b" }));
  await work.queue.idle();
  await work.repositories.set("web", { settings: { merge: "rebase" } });
  const rebased = await work.queued(work.commit(start, { c: "c" }));
  await work.queued(work.commit(start, {}));
  await work.queue.idle();
  const open = await work.approved(work.commit(start, { d: "d" }));
  return { merged, rebased, open };
}

const problems = async (): Promise<Record<number, string[]>> =>
  Object.fromEntries(
    (await checkWork(work.context, work.repositories)).filter(({ ok }) => !ok).map((one) => [one.invariant, one.problems]),
  );
const change = (id: number, patch: Partial<ChangeRecord>): void => work.store.changes.update({ ...work.row(id), ...patch });

test("a hive that merges keeps the invariants", async () => {
  await busy();
  const findings = await checkWork(work.context, work.repositories);
  expect(findings.map(({ invariant, ok, problems: found }) => [invariant, ok, found])).toEqual(
    [8, 9, 10, 11, 12, 13, 14].map((n) => [n, true, []]),
  );
  // Nothing is being merged.
  expect(findings.map(({ checked }) => checked > 0)).toEqual([true, true, true, false, true, true, true]);
});

test("a base that was moved by hand is found, and a merge onto it", async () => {
  const { open } = await busy();
  const stray = work.commit(work.tip(), { z: "z" });
  await moveRef(work.bare, "refs/heads/main", stray, work.tip());
  await work.repositories.open();
  expect(await problems()).toEqual({ 8: [`web: main is at ${stray}, and nothing that may move it says so`] });
  await work.queue.enqueue(open);
  await work.queue.idle();
  expect(await problems()).toEqual({ 8: [`web: change ${open} was merged onto ${stray}, where nothing had moved main`] });
});

test("a merge that names another change or another commit is found, and one that does not exist", async () => {
  const { merged, rebased } = await busy();
  const { merged_sha: own } = work.row(merged);
  const { merged_sha: other } = work.row(rebased);
  change(merged, { merged_sha: other });
  expect((await problems())[9]).toEqual([`web: the commit ${other} does not name change ${merged}`]);
  change(merged, { merged_sha: "1".repeat(40) });
  expect((await problems())[9]).toEqual([`web: the commit ${"1".repeat(40)} of change ${merged} does not exist`]);
  change(merged, { merged_sha: own });
  const { sha } = work.row(merged);
  change(merged, { sha: work.row(rebased).sha });
  expect((await problems())[9]).toContain(
    `web: change ${merged} was approved as ${work.row(rebased).sha}, but ${sha} was merged`,
  );
});

test("a merge that its base does not contain is found", async () => {
  const { merged } = await busy();
  await work.base(work.row(merged).candidate_base ?? "");
  expect((await problems())[10]).toHaveLength(3);
});

test("a change that is not pinned is found, and pinned again at the next start", async () => {
  const { open } = await busy();
  await removeRef(work.bare, `refs/changes/${open}/1`);
  expect(await problems()).toEqual({
    12: [`web: refs/changes/${open}/1 is missing, and change ${open} proposes ${work.row(open).sha}`],
  });
  await moveRef(work.bare, `refs/changes/${open}/1`, work.tip(), undefined);
  expect(Object.keys(await problems())).toEqual(["12"]);
  await work.queue.pause("web", "main", "operator");
  await work.close({ keep: true });
  work = await openTestWork({ folder: work.top });
  await work.queue.start();
  expect(await problems()).toEqual({});
});

test("a change that ended twice is found", async () => {
  const { merged, open } = await busy();
  await work.store.write((tx) => {
    work.changes.move(tx, open, "deny", "operator");
    change(merged, { state: "proposed" });
    work.changes.move(tx, merged, "deny", "operator");
    change(open, { state: "proposed" });
  });
  expect((await problems())[13]).toEqual([
    `web: change ${merged} ended more than once: merged, denied`,
    `web: change ${open} is proposed, but it was denied once`,
  ]);
});

test("a merge that changes what was not shown is found, by every method, and one without its proposal is passed over", async () => {
  const { merged, rebased } = await busy();
  await work.repositories.set("web", { settings: { merge: "squash" } });
  const squashed = await work.queued(work.commit(work.tip(), { e: "e" }));
  await work.queue.idle();
  expect(await problems()).toEqual({});
  for (const id of [merged, rebased, squashed]) {
    const row = work.row(id);
    // As if another commit had been approved than was merged.
    const shown = work.commit(row.merge_base ?? undefined, { shown: "1" });
    change(id, { sha: shown });
    const other = id === merged ? "b" : id === rebased ? "c" : "e";
    expect((await problems())[14]).toEqual([`web: the merge of change ${id} changes what was not shown: "${other}"`]);
    change(id, { sha: "1".repeat(40) });
    expect((await problems())[14]).toBeUndefined();
    change(id, row);
  }
  // Only the newest are compared.
  const counts = await Promise.all([1, 2].map((compared) => checkWork(work.context, work.repositories, { compared })));
  expect(counts.map((findings) => findings.at(-1)?.checked)).toEqual([1, 2]);
  const { candidate_base } = work.row(merged);
  change(merged, { candidate_base: work.commit(candidate_base ?? undefined, { z: "z" }) });
  expect((await problems())[14]?.[0]).toMatch(/^web: the merge of change \d+ is onto /);
});
