import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { shortSha } from "../../src/wire/sha.ts";
import { buildBreakable } from "../lib/breakable.ts";
import { PUBLISHED, realBreaks, spawnBreaks } from "../lib/deploy-faults.ts";
import { IDLE_CLI, TestHive, until } from "../lib/hive.ts";

/**
 * Deploys that break between two steps over real cages, repositories and a real database. Afterwards the checker passes:
 * what was published is deployed, and nothing remains of the rest. It passes again in the next daemon, whose start
 * repairs what is derived from the rows. `npm run deployfaults` breaks every place in every way; the suite does that
 * without cages (`src/deploys/broken.test.ts`), and here around the point of no return.
 */

let breakable: Awaited<ReturnType<typeof buildBreakable>>;
let hive: TestHive;
let cases = 0;
let models = 0;
/** The end of each request, as the daemon reported it. */
const ends = new Map<number, string>();

beforeAll(async () => {
  breakable = await buildBreakable();
  hive = await new TestHive(IDLE_CLI).start({ dist: breakable.dist });
  await hive.call("spawn", { name: "ada" });
});
afterAll(async () => {
  console.log(`${cases} deploys were broken by SIGKILL, error and ENOSPC, and spawns by SIGKILL, each followed by the checker`);
  await hive.dispose();
  breakable.remove();
});

const git = (repo: string, ...args: string[]): string =>
  spawnSync("git", ["-c", "safe.directory=*", "-C", join(hive.stateDir, repo), ...args], { encoding: "utf8" }).stdout;
const arm = (at: string, how: string): void => writeFileSync(join(hive.stateDir, "break.json"), JSON.stringify({ at, how }));
const view = async (id: number): Promise<ApprovalView | undefined> =>
  (await hive.call("approvals", { limit: 5 })).approvals.find((one) => one.id === id);

/** Proposes another model for ada and approves it. */
async function change(): Promise<{ id: number; sha: string }> {
  const base64 = Buffer.from(JSON.stringify({ model: `model-${++models}` })).toString("base64");
  const { request: id } = await hive.call("propose", { agent: "ada", files: [{ path: "agent.json", mode: "100644", base64 }] });
  const sha = (await view(id))?.sha ?? "";
  // A daemon that breaks at once does not answer any more.
  await hive.call("approve", { id }).catch(() => {});
  return { id, sha };
}
async function settled(id: number): Promise<string> {
  const events = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && ["deployed", "failed"].includes(event.approval.state),
    { after: 0, kinds: ["approval"] },
  );
  const last = events.at(-1);
  return last?.kind === "approval" ? last.approval.state : "";
}
/** Waits for the last daemon to die, or kills it. The next one has finished everything before it is ready. */
async function restart(is: "dead" | "killed now"): Promise<void> {
  if (is === "dead") await once(hive.process, "exit");
  else await hive.crash();
  await hive.start({ dist: breakable.dist });
}
const refs = (): { meta: string; main: string } => ({
  meta: git("meta", "rev-parse", "main").trim(),
  main: git("applied/ada.git", "rev-parse", "main").trim(),
});
/** Ada runs what its repository says, and the checker finds nothing. */
async function isWhole(): Promise<void> {
  const ada = await hive.untilAgent("ada", (agent) => agent.deploying === undefined && agent.state === "idle");
  expect(ada).toMatchObject({ deployed_sha: shortSha(refs().main), running: true });
  await holds();
}
async function holds(): Promise<void> {
  const { findings } = await hive.call("check", {});
  expect(findings.filter((one) => !one.ok)).toEqual([]);
  expect((await hive.call("approvals", { open: true })).approvals).toEqual([]);
}

test.each(realBreaks())("broken %s by %s: the change is deployed, or everything stays as it was", async (at, how) => {
  cases++;
  const before = refs();
  arm(at, how);
  const { id, sha } = await change();
  if (how === "kill") await restart("dead");
  const state = await settled(id);
  ends.set(id, state);
  // Every failpoint is reached. The last one is after the end was reported, so wait for it.
  await until(() => !existsSync(join(hive.stateDir, "break.json")));
  expect(state).toBe(PUBLISHED.includes(at) ? "deployed" : "failed");
  const after = refs();
  if (state === "deployed") expect(after.main).toBe(sha);
  else expect(after).toEqual(before);
  await isWhole();
  // After a write without room the daemon refuses changes until it looks at the disk again, some seconds later.
  if (how === "ENOSPC") await restart("killed now");
});

test("the next start changes nothing of what the last daemon reported", async () => {
  const before = refs();
  await restart("killed now");
  expect(refs()).toEqual(before);
  for (const [id, state] of ends) expect(await settled(id)).toBe(state);
  await isWhole();
});

test.each(spawnBreaks("before:publish", "before:main"))(
  "broken %s by SIGKILL in a spawn: the agent exists completely, or not at all",
  async (at) => {
    cases++;
    const name = `new-${at.replace(/\W/g, "-")}`;
    arm(at, "kill");
    // The daemon dies during it.
    const spawned = hive.call("spawn", { name }).catch(() => {});
    await restart("dead");
    await spawned;
    const { agents } = await hive.call("list", {});
    expect(agents.includes(name)).toBe(PUBLISHED.includes(at));
    expect(existsSync(join(hive.stateDir, "proposed", name, "config"))).toBe(PUBLISHED.includes(at));
    await holds();
    // The name can be reused: at once, or after the agent that has it is purged.
    if (agents.includes(name)) await hive.call("destroy", { name, purge: true });
  },
);

test("the program cannot be broken: it has no failpoint that could be armed", async () => {
  const program = readFileSync(join(import.meta.dirname, "../../dist/hive-c0re.cjs"), "utf8");
  expect(program).not.toContain("break.json");
  // The only entry passes none.
  const main = readFileSync(join(import.meta.dirname, "../../src/daemon/main.ts"), "utf8");
  expect(main).toContain("return run(config);");
  arm("before:activate", "kill");
  await hive.stop();
  await hive.start();
  const { id } = await change();
  expect(await settled(id)).toBe("deployed");
  expect(existsSync(join(hive.stateDir, "break.json"))).toBe(true);
});
