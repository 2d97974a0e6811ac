import { cpSync, existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { breaks, PUBLISHED, someBreaks } from "../../test/lib/deploy-faults.ts";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { shortSha } from "../wire/sha.ts";
import { check } from "./check.ts";

/**
 * Deploys and spawns that break between any two steps, over real repositories and a real database.
 * Afterwards the checker passes: what was published is deployed, and nothing remains of the rest. A killed daemon is the
 * folder of the hive as it was at that moment, which the next daemon opens. `test/e2e/failpoints.test.ts` shows some of
 * them with real cages and a daemon that is really killed.
 */

/** This tests the order, not the disk, so the hive is in memory if the machine has a folder there. */
const TOP = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let top: string;
let folder: string;
let system: TestSystem;
let broken: { at: string; how: string } | undefined;
let models = 0;
/** The end of each request, as it was first seen. */
const ends = new Map<number, string>();

beforeAll(async () => {
  top = mkdtempSync(join(TOP, "broken-"));
  folder = join(top, "hive");
  await open();
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterAll(async () => {
  await system.close();
  rmSync(top, { recursive: true, force: true });
});

async function failpoint(name: string): Promise<void> {
  if (broken?.at !== name) return;
  const { how } = broken;
  broken = undefined;
  if (how === "kill") cpSync(folder, join(top, "killed"), { recursive: true, verbatimSymlinks: true });
  throw Object.assign(new Error(`broken ${name}`), how === "ENOSPC" ? { code: "ENOSPC" } : {});
}
async function open(): Promise<void> {
  system = await openTestSystem({ folder, failpoint });
}
/** The next daemon, on the folder as it is now, or as it was when the last one was killed. */
async function restart(): Promise<void> {
  await system.close();
  const killed = join(top, "killed");
  if (existsSync(killed)) {
    rmSync(folder, { recursive: true });
    renameSync(killed, folder);
  }
  await open();
}
/** Proposes another model for ada and approves it. */
async function change(): Promise<{ id: number; sha: string }> {
  const base64 = Buffer.from(JSON.stringify({ model: `model-${++models}` })).toString("base64");
  const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
  const { id, sha } = await system.requests.proposeFiles({ agent: "ada", files, by: "operator" });
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  return { id, sha };
}
const refs = async () => ({
  meta: await system.repos.meta.head(),
  main: (await system.repos.applied("ada").refs()).get("refs/heads/main"),
});
const stateOf = (id: number): string => system.requestStore.get(id).state;
/** Ada runs what its repository says, and the checker finds nothing. */
async function isWhole(): Promise<void> {
  expect(shortSha(system.swarm.byName("ada").record.deployedSha ?? "")).toBe(shortSha((await refs()).main ?? ""));
  await holds();
}
async function holds(): Promise<void> {
  expect((await check(system.context)).flatMap((one) => one.problems)).toEqual([]);
  expect(system.store.approvals.all().filter((row) => !["deployed", "failed"].includes(row.state))).toEqual([]);
}

test.each(breaks(["error", "ENOSPC", "kill"]))(
  "broken %s by %s: the change is deployed, or everything stays as it was",
  async (at, how) => {
    const before = await refs();
    broken = { at, how };
    const { id, sha } = await change();
    await system.deploys.finished(id);
    // Every failpoint is reached. The last one is after the end was stored.
    await expect.poll(() => broken).toBeUndefined();
    if (how === "kill") await restart();
    const state = stateOf(id);
    ends.set(id, state);
    expect(state).toBe(PUBLISHED.includes(at) ? "deployed" : "failed");
    const after = await refs();
    if (state === "deployed") expect(after.main).toBe(sha);
    else expect(after).toEqual(before);
    await isWhole();
    // After a write without room the daemon refuses changes until it looks at the disk again.
    system.context.disk.checkAfter(new Error("look again"));
  },
);

test("the next start changes nothing of what the last daemon reported", async () => {
  const before = await refs();
  await restart();
  expect(await refs()).toEqual(before);
  for (const [id, state] of ends) expect(stateOf(id)).toBe(state);
  await isWhole();
});

test.each(someBreaks("kill", "third"))(
  "broken %s by a kill in a spawn: the agent exists completely, or not at all",
  async (at) => {
    const name = `new-${at.replace(/\W/g, "-")}`;
    broken = { at, how: "kill" };
    const { id } = await system.requests.spawn({ name, by: "operator", origin: "spawn" });
    await system.deploys.finished(id);
    await expect.poll(() => broken).toBeUndefined();
    await restart();
    const isThere = PUBLISHED.includes(at);
    expect(system.swarm.find(name) !== undefined).toBe(isThere);
    await holds();
  },
);
