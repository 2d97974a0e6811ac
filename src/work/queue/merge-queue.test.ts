import { afterEach, describe, expect, test } from "vitest";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { VETO_MS } from "../policy.ts";
import { MAX_LOST_RACES } from "./merge-queue.ts";

let work: TestWork;
afterEach(() => work.close());

type Options = NonNullable<Parameters<typeof openTestWork>[0]>;
async function open(options: Options = {}): Promise<void> {
  work = await openTestWork(options);
  await work.queue.start();
}

/** A change that adds a file to the first commit. */
const adds = (name: string, facts = {}): Promise<number> =>
  work.queued(work.commit(work.git("rev-list", "--max-parents=0", "main"), { [name]: name }), facts);
const states = (ids: readonly number[]): string[] => ids.map((id) => work.row(id).state);
const queueView = (base = "main") =>
  work.repositories.view(work.repositories.get("web")).queues.find((queue) => queue.base === base);

test("changes are merged one after the other, each with a commit that names it", async () => {
  await open();
  const first = work.tip();
  const ids = [await adds("b"), await adds("c")];
  await work.queue.idle();
  expect(states(ids)).toEqual(["merged", "merged"]);
  const [a, b] = ids.map((id) => work.row(id));
  expect(work.tip()).toBe(b?.merged_sha);
  expect(work.cat(a?.merged_sha ?? "")).toContain(`parent ${first}\nparent ${a?.sha}\n`);
  expect(work.cat(b?.merged_sha ?? "")).toContain(`parent ${a?.merged_sha}\nparent ${b?.sha}\n`);
  expect(work.audit("change_merged").map(({ actor }) => actor)).toEqual(["operator", "operator"]);
  expect(work.unexpected).toEqual([]);
});

test("a conflict blocks nobody behind it", async () => {
  await open();
  await work.queue.pause("web", "main", "operator");
  const start = work.tip();
  const ids = [await adds("b"), await work.queued(work.commit(start, { b: "other" })), await adds("c")];
  await work.queue.resume("web", "main", "operator");
  await work.queue.idle();
  expect(states(ids)).toEqual(["merged", "conflict", "merged"]);
});

test("queues of different bases work side by side", async () => {
  let waiting = 0;
  let both = (): void => {};
  const areBoth = new Promise<void>((resolve) => (both = resolve));
  await open({
    async failpoint(name) {
      if (name !== "merge_tree") return;
      if (++waiting === 2) both();
      await areBoth;
    },
  });
  await work.base(work.tip(), "next");
  const ids = [await adds("b"), await adds("c", { base: "next" })];
  await work.queue.idle();
  expect(states(ids)).toEqual(["merged", "merged"]);
});

test("a base that moves while a change is merged has it merged again, and at last returned", async () => {
  let races = 2;
  await open({
    async failpoint(name) {
      if (name !== "merge_objects" || races-- <= 0) return;
      await work.base(work.commit(work.tip(), { [`race-${races}`]: "x" }));
    },
  });
  const one = await adds("b");
  await work.queue.idle();
  expect(work.row(one).state).toBe("merged");
  expect(work.tree(work.tip()).match(/\t.*/g)).toEqual(["\tREADME.md", "\ta.txt", "\tb", "\trace-0", "\trace-1"]);
  races = MAX_LOST_RACES;
  const two = await adds("c");
  const after = await adds("d");
  await work.queue.idle();
  expect(work.row(two)).toMatchObject({ state: "push_failed", reason: expect.stringContaining(`moved ${MAX_LOST_RACES} times`) });
  expect(work.row(after).state).toBe("merged");
  expect(work.unexpected).toEqual([]);
});

describe("the operator's controls", () => {
  test("a paused queue takes no change until it is resumed, and says so", async () => {
    await open();
    await work.queue.pause("web", "main", "operator");
    const ids = [await adds("b"), await adds("c")];
    expect(states(ids)).toEqual(["queued", "queued"]);
    expect(queueView()).toMatchObject({ state: "paused", reason: "the operator paused it", waiting: ids });
    await work.queue.resume("web", "main", "operator");
    await work.queue.idle();
    expect(states(ids)).toEqual(["merged", "merged"]);
    expect(queueView()).toBeUndefined();
    expect([...work.audit("queue_paused"), ...work.audit("queue_resumed")].map(({ actor }) => actor)).toEqual([
      "operator",
      "operator",
    ]);
  });

  test("a change is moved to the front, or taken out: its approval ends", async () => {
    await open();
    await work.queue.pause("web", "main", "operator");
    const [a, b, c] = [await adds("b"), await adds("c"), await adds("d")];
    await work.queue.toFront(c, "operator");
    await work.queue.toFront(b, "operator");
    await work.queue.toFront(b, "operator");
    expect(queueView()?.waiting).toEqual([b, c, a]);
    await work.queue.dequeue(c, " later ", "operator");
    expect(work.row(c)).toMatchObject({ state: "proposed", decided_by: null, note: "later", queued_at: null });
    expect(queueView()?.waiting).toEqual([b, a]);
    await work.queue.resume("web", "main", "operator");
    await work.queue.idle();
    expect(work.cat(work.tip())).toContain(`Hive-Change: web/${a}`);
    await expect(work.queue.dequeue(a, undefined, "operator")).rejects.toThrow(
      'cannot be taken out of the queue: its state is "merged"',
    );
    await expect(work.queue.toFront(a, "operator")).rejects.toThrow("cannot be taken out of the queue");
  });

  test("two queues that are held at once are both held", async () => {
    await open();
    await Promise.all([work.queue.pause("web", "main", "operator"), work.queue.pause("web", "next", "operator")]);
    expect(Object.keys(work.repositories.get("web").holds)).toEqual(["main", "next"]);
  });
});

describe("an approval", () => {
  test("of a reviewer waits for the end of the time for a veto, over a restart", async () => {
    let now = 1_700_000_000_000;
    const settings = { policy: "reviewed" as const, reviewers: ["critic"] };
    work = await openTestWork({ now: () => now, settings });
    await work.queue.start();
    const decided = { decided_by: "critic", decided_at: now };
    const id = await work.approved(work.commit(work.tip(), { b: "b" }), decided);
    const denied = await work.approved(work.commit(work.tip(), { c: "c" }), decided);
    work.queue.afterVeto(id);
    now += VETO_MS - 1;
    await work.queue.runVetoes();
    expect(work.row(id).state).toBe("approved");
    await work.store.write((tx) => work.changes.move(tx, denied, "deny", "operator"));
    await work.close({ keep: true });
    work = await openTestWork({ folder: work.top, now: () => now });
    await work.queue.start();
    expect(work.row(id).state).toBe("approved");
    now += 1;
    await work.queue.runVetoes();
    await work.queue.idle();
    expect(states([id, denied])).toEqual(["merged", "denied"]);
  });

  test("of the operator or of the check waits for nothing, even if the daemon ended before it was queued", async () => {
    work = await openTestWork({ settings: { policy: "checks", check: "true" } });
    const ids = [
      await work.approved(work.commit(work.tip(), { b: "b" })),
      await work.approved(work.commit(work.tip(), { c: "c" }), { decided_by: "policy checks" }),
    ];
    await work.queue.start();
    await work.queue.idle();
    expect(states(ids)).toEqual(["merged", "merged"]);
  });

  test.each([
    ["the check, under the policy of the operator", "policy checks", { check: "true" }],
    ["a reviewer who is one no longer", "critic", { policy: "reviewed" as const, reviewers: ["ada"] }],
    ["a reviewer of their own change", "scout", { policy: "reviewed" as const, reviewers: ["scout", "ada"] }],
  ])("by %s does not count when the change is merged", async (_, by, settings) => {
    await open({ settings });
    const tip = work.tip();
    const id = await work.queued(work.commit(tip, { b: "b" }), { decided_by: by });
    await work.queue.idle();
    expect(work.row(id)).toMatchObject({ state: "proposed", decided_by: null, queued_at: null });
    expect(work.row(id).note).toBe(
      `the approval by ${by} no longer counts, because the settings of web have changed: the operator decides`,
    );
    expect(work.tip()).toBe(tip);
    expect(work.audit("change_dequeued")).toMatchObject([{ actor: "system" }]);
  });

  test("of a change with protected paths does not count, whatever the policy", async () => {
    await open({ settings: { policy: "checks", check: "true" } });
    const marks = JSON.stringify([{ level: "danger", kind: "protected", text: "x" }]);
    const ids = [
      await work.queued(work.commit(work.tip(), { b: "b" }), { decided_by: "policy checks", marks }),
      await work.queued(work.commit(work.tip(), { c: "c" }), { marks }),
    ];
    await work.queue.idle();
    expect(states(ids)).toEqual(["proposed", "merged"]);
  });
});

test("work without merges waits for the one that runs, or puts it back, and the queue goes on afterwards", async () => {
  for (const now of [false, true]) {
    const reached = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    await open({
      settings: { check: now ? "sleep 1000" : "true" },
      async failpoint(name) {
        if (name !== "check_start") return;
        reached.resolve();
        await go.promise;
      },
    });
    const id = await adds("b");
    await reached.promise;
    const states_: string[] = [];
    const rest = work.queue.during("web", { now }, async () => {
      states_.push(work.row(id).state);
      await adds("c");
      expect(work.store.changes.merging()).toEqual([]);
    });
    go.resolve();
    await rest;
    expect(states_).toEqual([now ? "queued" : "merged"]);
    expect(work.row(id).reason).toBeNull();
    expect(work.unexpected).toEqual([]);
    await work.repositories.set("web", { settings: { check: "" } });
    await work.queue.during("web", { now: true }, async () => {});
    await work.queue.idle();
    expect(work.store.changes.open()).toEqual([]);
    if (!now) await work.close();
  }
});
