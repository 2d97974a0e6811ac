import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { groupsNamed } from "../../os/cgroups.ts";
import { removeRef } from "../../os/git/refs.ts";
import { FIRST_CHECK_ORDINAL } from "../../platforms/uids.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";
import { checkWork } from "../check.ts";
import { checkCage } from "./check/folder.ts";

/** Every failpoint of the queue, in the order in which a change with a check passes them. */
const FAILPOINTS = [
  "merge_start",
  "merge_tree",
  "merge_objects",
  "check_start",
  "check_done",
  "base_moved",
  "merge_recorded",
] as const;

let work: TestWork;
afterEach(() => work.close());

/** A queue that breaks at a failpoint, this many times. */
async function breaking(at: string, error: Error, times = 1): Promise<void> {
  let left = times;
  work = await openTestWork({
    settings: { check: "test -e b" },
    async failpoint(name) {
      if (name === at && left-- > 0) throw error;
    },
  });
  await work.queue.start();
}

const change = (name = "b"): Promise<number> =>
  work.queued(work.commit(work.git("rev-list", "--max-parents=0", "main"), { [name]: name, b: "b" }));

/** The change is merged once, and nothing of the attempts is left. */
function expectMerged(id: number): void {
  const row = work.row(id);
  expect(row).toMatchObject({ state: "merged", merged_sha: work.tip(), reason: null, note: null });
  expect(row.candidate_base).not.toBe(row.merged_sha);
  expect(work.git("log", "--first-parent", "--format=%(trailers:key=Hive-Change,valueonly)", "main").match(/web\/\d+/g)).toEqual([
    `web/${id}`,
  ]);
  expect(work.audit("change_merged").filter(({ detail }) => detail?.includes(`"change":${id},`))).toHaveLength(1);
  expect(work.repositories.get("web").holds).toEqual({});
}

describe.each(FAILPOINTS)("at %s", (at) => {
  test("an error has the change merged again", async () => {
    const error = new Error("broken");
    await breaking(at, error);
    const id = await change();
    await work.queue.idle();
    expectMerged(id);
    expect(work.unexpected).toEqual([error]);
  });

  test("a full disk has the change wait for room", async () => {
    await breaking(at, Object.assign(new Error("no space left"), { code: "ENOSPC" }));
    const id = await change();
    await work.queue.idle();
    expectMerged(id);
    expect(work.disk.full).toBe(1);
    expect(work.unexpected).toEqual([]);
  });

  test("a killed daemon leaves what the next one finishes", async () => {
    // The step never returns, as in a process that is gone.
    let reached = (): void => {};
    const isReached = new Promise<void>((resolve) => (reached = resolve));
    const never = new Promise<void>(() => {});
    const killed = await openTestWork({
      settings: { check: "test -e b" },
      async failpoint(name) {
        if (name !== at) return;
        reached();
        await never;
      },
    });
    await killed.queue.start();
    const id = await killed.queued(killed.commit(killed.tip(), { b: "b" }));
    await isReached;
    killed.store.close();
    work = await openTestWork({ folder: killed.top });
    await work.queue.start();
    await work.queue.idle();
    expectMerged(id);
    expect(work.unexpected).toEqual([]);
  });
});

test("a change that fails twice stops its queue with the reason, and no other; resumed, it goes on", async () => {
  await breaking("merge_objects", new Error("the pack is broken"), 2);
  await work.base(work.tip(), "next");
  const id = await change();
  await work.queue.idle();
  expect(work.row(id)).toMatchObject({ state: "queued", reason: "the merge failed: the pack is broken" });
  const [queue] = work.repositories.view(work.repositories.get("web")).queues;
  expect(queue).toMatchObject({
    base: "main",
    state: "stopped",
    reason: `change ${id} could not be merged twice: the pack is broken`,
    waiting: [id],
  });
  expect(work.audit("queue_stopped")).toMatchObject([{ actor: "system" }]);
  const other = await work.queued(work.commit(work.tip(), { b: "b" }), { base: "next" });
  await work.queue.idle();
  expect(work.row(other).state).toBe("merged");
  await work.queue.resume("web", "main", "operator");
  await work.queue.idle();
  expectMerged(id);
});

test("a base that has gone while the daemon was down does not keep the others from being recovered", async () => {
  const killed = await openTestWork();
  const ids = [
    await killed.approved(killed.commit(killed.tip(), { b: "b" }), { base: "gone" }),
    await killed.approved(killed.commit(killed.tip(), { b: "b" })),
  ];
  for (const id of ids) killed.store.changes.update({ ...killed.row(id), state: "pushing", candidate: killed.row(id).sha });
  killed.store.close();
  work = await openTestWork({ folder: killed.top });
  await work.queue.start();
  await work.queue.idle();
  expect(ids.map((id) => work.row(id).state)).toEqual(["stale", "merged"]);
});

test("a change whose objects are damaged holds its own queue only", async () => {
  work = await openTestWork();
  await work.base(work.tip(), "next");
  await work.queue.start();
  const sha = work.commit(work.tip(), { b: "b" });
  const broken = await work.approved(sha);
  rmSync(join(work.bare, "objects", sha.slice(0, 2), sha.slice(2)));
  await work.queue.enqueue(broken);
  const other = await work.queued(work.commit(work.tip(), { c: "c" }), { base: "next" });
  await work.queue.idle();
  expect(work.row(broken).state).toBe("queued");
  expect(work.row(other).state).toBe("merged");
  expect(Object.keys(work.repositories.get("web").holds)).toEqual(["main"]);
});

test("a check that the last daemon has left is ended, with its processes and its folder", async () => {
  work = await openTestWork();
  const id = await work.approved(work.commit(work.tip(), { b: "b" }));
  const { driver, hiveId } = work.context;
  const spec = await checkCage(work.context, work.row(id), {
    identity: driver.identityFor(hiveId, FIRST_CHECK_ORDINAL),
    argv: ["/bin/sh", "-c", "mkdir -p ro/x; chmod 500 ro; sleep 1000"],
    limits: { memoryBytes: 256 * 1024 * 1024, cpuPercent: 100, pids: 16 },
    tags: new Map(),
  });
  await driver.prepare(spec);
  const left = await driver.start(spec);
  await work.queue.start();
  await left.exited;
  expect(readdirSync(work.paths.checks)).toEqual([]);
  expect(groupsNamed(`hive-${hiveId}`)).toEqual([]);
});

test("a change whose commit is lost does not keep the daemon from starting: its queue is held", async () => {
  const killed = await openTestWork();
  const sha = killed.commit(killed.tip(), { b: "b" });
  const id = await killed.approved(sha);
  await removeRef(killed.bare, `refs/changes/${id}/1`);
  rmSync(join(killed.bare, "objects", sha.slice(0, 2), sha.slice(2)));
  await killed.close({ keep: true });
  work = await openTestWork({ folder: killed.top });
  await work.queue.start();
  expect(work.repositories.get("web").holds["main"]).toMatchObject({
    by: "system",
    reason: expect.stringContaining(`change ${id} could not be recovered`),
  });
});

test("a change that is withdrawn in the moment in which its queue takes it is left alone", async () => {
  work = await openTestWork();
  await work.queue.start();
  await work.queue.pause("web", "main", "operator");
  const ids = [await work.queued(work.commit(work.tip(), { b: "b" })), await work.queued(work.commit(work.tip(), { c: "c" }))];
  await work.repositories.hold("web", "main", undefined);
  // The queue sees the change before this is stored, and takes it after.
  const withdrawn = work.store.write((tx) => work.changes.move(tx, ids[0] ?? 0, "withdraw", "scout"));
  work.queue.kick("web", "main");
  await withdrawn;
  await work.queue.idle();
  expect(ids.map((id) => work.row(id).state)).toEqual(["withdrawn", "merged"]);
  expect(work.unexpected).toEqual([]);
});

test("when a repository is removed, its running check ends", async () => {
  work = await openTestWork({ settings: { check: "echo on; sleep 1000" } });
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), { b: "b" }));
  await expect.poll(() => existsSync(work.paths.changeLog(id))).toBe(true);
  await work.repositories.remove("web");
  await work.queue.forget("web");
  expect(readdirSync(work.paths.checks)).toEqual([]);
  expect(work.unexpected).toEqual([]);
});

test.each(FAILPOINTS)("a repository that is removed at %s takes the change with it, and its name is free", async (at) => {
  work = await openTestWork({
    settings: { check: "true" },
    async failpoint(name) {
      if (name === at) await work.repositories.remove("web");
    },
  });
  await work.queue.start();
  const id = await work.queued(work.commit(work.tip(), { b: "b" }));
  await work.queue.idle();
  expect(work.store.changes.byId(id)).toBeUndefined();
  expect(work.unexpected).toEqual([]);
  expect([existsSync(work.bare), readdirSync(work.paths.checks), readdirSync(work.paths.repoScratch)]).toEqual([false, [], []]);
  await work.repositories.create("web", {});
  expect((await checkWork(work.context, work.repositories)).flatMap(({ problems }) => problems)).toEqual([]);
});

describe("an agent that is destroyed while its change is merged", () => {
  const destroyAt = async (at: string, check: string): Promise<number> => {
    let fails = at === "merge_tree" ? 1 : 0;
    work = await openTestWork({
      settings: { check },
      async failpoint(name) {
        if (name !== at) return;
        Object.assign(work.context.agents.byId("a1") ?? {}, { destroyed: true });
        if (fails-- > 0) throw Object.assign(new Error("full"), { code: "ENOSPC" });
      },
    });
    await work.queue.start();
    const id = await work.queued(work.commit(work.tip(), { b: "b" }));
    await work.queue.idle();
    expect(work.unexpected).toEqual([]);
    return id;
  };
  const withdrawn = { state: "withdrawn", note: "its agent was destroyed", merged_sha: null };

  test("has it withdrawn when it comes back, from a check or to the queue", async () => {
    const checked = await destroyAt("check_start", "false");
    expect(work.row(checked)).toMatchObject(withdrawn);
    await work.close();
    const full = await destroyAt("merge_tree", "");
    expect(work.row(full)).toMatchObject(withdrawn);
  });

  test("has it merged when the check of what was approved passes", async () => {
    const id = await destroyAt("check_start", "true");
    expect(work.row(id)).toMatchObject({ state: "merged", merged_sha: work.tip() });
  });

  test("has it withdrawn by the next daemon, if this one is killed", async () => {
    work = await openTestWork();
    const id = await work.approved(work.commit(work.tip(), { b: "b" }));
    await work.close({ keep: true });
    work = await openTestWork({ folder: work.top });
    Object.assign(work.context.agents.byId("a1") ?? {}, { destroyed: true });
    await work.queue.start();
    expect(work.row(id)).toMatchObject(withdrawn);
  });
});
