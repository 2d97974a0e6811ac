import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { groupsNamed } from "../../os/cgroups.ts";
import type { RepoSettings } from "../../wire/work.ts";
import { openTestWork, type TestWork } from "../../../test/lib/work.ts";

let work: TestWork;
afterEach(() => work.close());

/** Ends once the file `go` is beside the objects of the repository, which a check sees. */
const WAITS = "echo on; while [ ! -e /run/hive/objects/web/go ]; do sleep 0.02; done; ls";
const go = (): void => writeFileSync(join(work.bare, "objects", "go"), "");
const log = (id: number): string => readFileSync(work.paths.changeLog(id), "utf8");
const printed = (id: number, text: string) =>
  expect.poll(() => existsSync(work.paths.changeLog(id)) && log(id), { timeout: 20_000 }).toBe(text);
const isOn = (id: number) => printed(id, "on\n");
const check = (id: number): unknown => work.changes.view(work.row(id)).early_check;

async function open(settings: Partial<RepoSettings> = {}, options: Parameters<typeof openTestWork>[0] = {}): Promise<void> {
  work = await openTestWork({ settings: { check: "true", check_on: "propose", ...settings }, ...options });
  await work.queue.start();
}
const propose = (files: Record<string, string> = { "b.txt": "b\n" }): Promise<number> =>
  work.proposed(work.commit(work.tip(), files));
async function approve(id: number): Promise<void> {
  await work.store.write((tx) => work.changes.move(tx, id, "approve", "operator", { decided_by: "operator", decided_at: 1 }));
  await work.queue.enqueue(id);
}
async function set(settings: Partial<RepoSettings>): Promise<void> {
  await work.repositories.set("web", { settings });
  work.queue.settingsChanged("web");
}
/** Nothing is left of a check but its log, and nothing went wrong. */
function expectNothingLeft(): void {
  expect(readdirSync(work.paths.checks)).toEqual([]);
  expect(groupsNamed(`hive-${work.context.hiveId}`)).toEqual([]);
  expect(work.unexpected).toEqual([]);
}

test("a proposal is checked on its merge before the decision; nothing moves, and the queue checks it again", async () => {
  await open({ setup: "echo set up", check: "cat b.txt; git log -1 --format=%s; echo $BASE" });
  const [id, first] = [await propose(), work.tip()];
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed", onto: first });
  expect(log(id)).toBe(`set up\nb\nMerge scout/${work.row(id).branch}: A change\nmain\n`);
  expect(work.row(id)).toMatchObject({ state: "proposed", has_log: 1, candidate: null, reason: null });
  expect(work.tip()).toBe(first);
  rmSync(work.paths.changeLog(id));
  await approve(id);
  await work.queue.idle();
  expect(work.row(id).state).toBe("merged");
  expect(log(id)).toContain("set up\n");
  expectNothingLeft();
});

test("a check that fails, or a conflict, is shown with its reason, and does not send the change back", async () => {
  await open({ check: "cat b.txt; exit 3" });
  const one = await propose();
  const two = await propose({ "a.txt": "theirs\n" });
  await work.queue.idle();
  expect(check(one)).toMatchObject({ state: "failed", reason: "the check failed with exit code 3\n\nb" });
  await work.base(work.commit(work.tip(), { "a.txt": "ours\n" }));
  const three = await work.proposed(work.row(two).sha);
  await work.queue.idle();
  expect(check(three)).toMatchObject({ state: "conflict", reason: expect.stringContaining("a.txt") as string, onto: work.tip() });
  expect([one, two, three].map((id) => work.row(id).state)).toEqual(["proposed", "proposed", "proposed"]);
  expect(work.notices).toEqual([]);
  expectNothingLeft();
});

test("an approval ends the early check, and the queue's own begins when it is gone", async () => {
  await open({ check: WAITS });
  const id = await propose();
  await isOn(id);
  expect(check(id)).toMatchObject({ state: "running" });
  await approve(id);
  await expect.poll(() => work.row(id), { timeout: 20_000 }).toMatchObject({ state: "checking", early_check: null });
  go();
  await work.queue.idle();
  expect(work.row(id).state).toBe("merged");
  expectNothingLeft();
});

test("a new round ends the check of the round before, and is checked itself", async () => {
  await open({ check: `ls b.txt c.txt 2>/dev/null; ${WAITS}` });
  const id = await propose();
  await printed(id, "b.txt\non\n");
  const sha = work.commit(work.tip(), { "c.txt": "c\n" });
  await work.store.write((tx) => work.changes.move(tx, id, "propose", "scout", { sha, round: 2, early_check: null }));
  await printed(id, "c.txt\non\n");
  go();
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed" });
  expect(log(id)).toBe("c.txt\non\nREADME.md\na.txt\nc.txt\n");
  expectNothingLeft();
});

test("without the setting, and where the check decides, nothing runs early; a setting that is changed counts at once", async () => {
  await open({ check_on: "merge" });
  const id = await propose();
  await work.queue.idle();
  expect(check(id)).toBeUndefined();
  await set({ check_on: "propose", policy: "checks" });
  await work.queue.idle();
  expect(check(id)).toBeUndefined();
  await set({ policy: "operator" });
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed" });
  // Another command: the result is that of the old one.
  await set({ check: "exit 7" });
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "failed", reason: "the check failed with exit code 7" });
  await expect(work.repositories.set("web", { settings: { check: "" } })).rejects.toThrow("set a check with it");
});

test("a check that a stopped daemon has left runs in the next one", async () => {
  await open({ check: WAITS });
  const id = await propose();
  await isOn(id);
  await work.close({ keep: true });
  expectNothingLeft();
  await open({}, { folder: work.top });
  go();
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed" });
  expectNothingLeft();
});

test("while objects are removed no early check runs; it begins again afterwards", async () => {
  await open({ check: WAITS });
  const id = await propose();
  await isOn(id);
  await work.queue.during("web", { now: false }, async () => {
    expectNothingLeft();
    expect(check(id)).toBeUndefined();
    go();
  });
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed" });
});

test("a check that cannot be run says so, and is tried again by the next daemon", async () => {
  let isFull = true;
  const failpoint = async (name: string): Promise<void> => {
    if (name === "early_check" && isFull) throw Object.assign(new Error("full"), { code: "ENOSPC" });
  };
  await open({}, { failpoint, settings: { check: "true", check_on: "propose" } });
  const id = await propose();
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "error", reason: "the check could not be run: the disk is full" });
  isFull = false;
  await work.close({ keep: true });
  await open({}, { folder: work.top });
  await work.queue.idle();
  expect(check(id)).toMatchObject({ state: "passed" });
});
