import fc from "fast-check";
import { expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { moveRef } from "../../os/git/refs.ts";
import { pinOf } from "../../store/changes.ts";
import { changeAfter, isBeingMerged, type ChangeEvent } from "../../wire/change-states.ts";
import { HiveError } from "../../wire/error.ts";
import { OPERATOR } from "../../wire/names.ts";
import { checkWork } from "../check.ts";

/** A number that chooses among what there is. */
const pick = fc.nat(1000);
const Act = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("propose" as const), file: fc.nat(4), on: pick }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("again" as const), which: pick }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom("withdraw", "deny", "return", "supersede", "retry", "dequeue", "front", "approve"),
      which: pick,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("pause", "resume", "idle", "turn", "restart") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("fetch" as const), file: fc.nat(4) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("break" as const), full: fc.boolean(), after: fc.nat(4) }) },
);
type Act = typeof Act extends fc.Arbitrary<infer T> ? T : never;

/** Does one thing after the other, without waiting for the queue, and returns the hive at rest. */
async function play(acts: readonly Act[]): Promise<{ work: TestWork; injected: Error[]; ids: number[] }> {
  const injected: Error[] = [];
  let fuse = -1;
  let error = new Error("never");
  const failpoint = async (): Promise<void> => {
    if (fuse < 0 || fuse-- > 0) return;
    injected.push(error);
    throw error;
  };
  let work = await openTestWork({ failpoint });
  await work.queue.start();
  const shas = [work.tip()];
  const ids: number[] = [];
  const one = (which: number): number => ids[which % ids.length] ?? 0;

  async function move(id: number, event: ChangeEvent): Promise<void> {
    const decided = event === "approve" ? { decided_by: OPERATOR, decided_at: Date.now() } : {};
    await work.store.write((tx) => {
      if (changeAfter(work.row(id).state, event) !== undefined) work.changes.move(tx, id, event, "scout", decided);
    });
    if (event === "approve" && work.row(id).state === "approved") await work.queue.enqueue(id);
    if (event === "retry") work.queue.kick("web", "main");
  }

  async function act(step: Act): Promise<void> {
    const { queue } = work;
    switch (step.kind) {
      case "propose": {
        const parent = shas[step.on % shas.length];
        shas.push(work.commit(parent, { [`f${step.file}`]: `${shas.length}\n` }));
        ids.push(await work.queued(shas.at(-1) ?? ""));
        return;
      }
      case "again": {
        const id = one(step.which);
        const sha = work.commit(work.tip(), { [`again-${id}`]: `${shas.length}\n` });
        const row = await work.store.write((tx) => {
          const now = work.row(id);
          const next = { sha, round: now.round + 1, decided_by: null };
          return changeAfter(now.state, "propose") === undefined
            ? undefined
            : work.changes.move(tx, id, "propose", "scout", next);
        });
        if (row) await moveRef(work.bare, pinOf(row), sha, undefined);
        return;
      }
      case "fetch":
        // As a fetch does, it loses the race if the queue is faster.
        await work.base(work.commit(work.tip(), { [`f${step.file}`]: `upstream ${shas.length}\n` }));
        return;
      case "break":
        fuse = step.after;
        error = step.full ? Object.assign(new Error("no space"), { code: "ENOSPC" }) : new Error("broken");
        return;
      case "dequeue":
        return void (await queue.dequeue(one(step.which)));
      case "front":
        return void (await queue.toFront(one(step.which)));
      case "pause":
        return queue.pause("web", "main");
      case "resume":
        return queue.resume("web", "main");
      case "idle":
        return queue.idle();
      case "turn":
        return new Promise((resolve) => void setImmediate(resolve));
      case "restart":
        await work.close({ keep: true });
        work = await openTestWork({ folder: work.top, failpoint });
        return work.queue.start();
      default:
        return move(one(step.which), step.kind);
    }
  }

  for (const step of acts) {
    if (ids.length === 0 && "which" in step) continue;
    try {
      await act(step);
    } catch (problem) {
      // What a caller is told; nothing else may fail.
      if (!(problem instanceof HiveError)) throw problem;
    }
  }
  fuse = -1;
  await work.queue.resume("web", "main");
  await work.queue.idle();
  return { work, injected, ids };
}

test("whatever is done while changes are merged, each comes to rest and the invariants hold", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Act, { minLength: 15, maxLength: 30 }), async (acts) => {
      const { work, injected, ids } = await play(acts);
      try {
        const findings = await checkWork(work.context, work.repositories);
        expect(findings.flatMap(({ problems }) => problems)).toEqual([]);
        for (const id of ids) {
          const { state } = work.row(id);
          expect(isBeingMerged(state) || state === "queued", `change ${id} is ${state}`).toBe(false);
        }
        expect(work.unexpected.filter((problem) => !injected.includes(problem as Error))).toEqual([]);
        expect(work.git("fsck", "--connectivity-only")).not.toMatch(/missing|broken/);
      } finally {
        await work.close();
      }
    }),
    { numRuns: 2, seed: 17 },
  );
});
