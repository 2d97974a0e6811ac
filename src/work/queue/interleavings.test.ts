import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { listRefs, moveRef } from "../../os/git/refs.ts";
import { pinOf } from "../../store/changes.ts";
import { changeAfter, isBeingMerged, type ChangeEvent } from "../../wire/change-states.ts";
import { HiveError } from "../../wire/error.ts";
import { OPERATOR } from "../../wire/names.ts";
import { checkWork } from "../check.ts";
import { Branches } from "../transport/branches.ts";

/** The ref with which tests store commits. */
const SCRATCH = "refs/agents/a1/topic";

/** Sequences that are played. `npm run interleavings` plays 200 here. */
const RUNS = Number(process.env["CHANGE_INTERLEAVING_RUNS"] ?? 2);
/** Time for one of them on a busy machine. Milliseconds. */
const RUN_MS = 60_000;

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
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom("push", "force", "drop"), which: pick }) },
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
  const branches = (): Branches => new Branches(work.context, work.repositories);
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
      case "push":
      case "force":
      case "drop": {
        // The branch of a change, while the change is under review or in the queue.
        const row = work.row(one(step.which));
        const parent = step.kind === "push" ? row.sha : shas[step.which % shas.length];
        const next = step.kind === "drop" ? undefined : work.commit(parent, { [`pushed-${row.id}`]: `${shas.length}\n` });
        if (next !== undefined) shas.push(next);
        const pusher = { id: "a1", name: "scout" };
        return branches().store({ repo: "web", pusher, moves: [{ topic: row.branch, next }], bytes: 0 });
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
        return void (await queue.dequeue(one(step.which), undefined, "operator"));
      case "front":
        return void (await queue.toFront(one(step.which), "operator"));
      case "pause":
        return queue.pause("web", "main", "operator");
      case "resume":
        return queue.resume("web", "main", "operator");
      case "idle":
        return queue.idle();
      case "turn":
        return new Promise((resolve) => void setImmediate(resolve));
      case "restart":
        await work.close({ keep: true });
        work = await openTestWork({ folder: work.top, failpoint });
        await branches().open();
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
      // What a caller is told; nothing else may fail, except a push that was broken.
      if (!(problem instanceof HiveError) && !injected.includes(problem as Error)) throw problem;
    }
  }
  fuse = -1;
  await work.queue.resume("web", "main", "operator");
  await work.queue.idle();
  return { work, injected, ids };
}

/** What the sequences have done. The campaign prints it. */
const played = { sequences: 0, acts: 0, changes: 0, merged: 0, broken: 0 };
afterAll(() => {
  if (RUNS > 2) process.stdout.write(`${JSON.stringify(played)}\n`);
});

test(
  "changes end and the invariants hold under random acts while they are merged",
  async () => {
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
          // Branches are where their last pushes have put them, and no push has moved what was proposed.
          const pushed = work.store.repositories
            .branches("web")
            .map(({ branch, sha }) => [`refs/agents/a1/${branch}`, sha] as const);
          const refs = await listRefs(work.bare, ["refs/agents", "refs/changes"]);
          const others = [...refs].filter(([ref]) => ref.startsWith("refs/agents/") && ref !== SCRATCH);
          expect(new Map(others)).toEqual(new Map(pushed));
          for (const id of ids) expect(refs.get(pinOf(work.row(id)))).toBe(work.row(id).sha);
          expect(work.unexpected.filter((problem) => !injected.includes(problem as Error))).toEqual([]);
          expect(work.git("fsck", "--connectivity-only")).not.toMatch(/missing|broken/);
          played.sequences++;
          played.acts += acts.length;
          played.changes += ids.length;
          played.merged += ids.filter((id) => work.row(id).state === "merged").length;
          played.broken += injected.length;
        } finally {
          await work.close();
        }
      }),
      { numRuns: RUNS, seed: 17 },
    );
  },
  RUNS * RUN_MS,
);
