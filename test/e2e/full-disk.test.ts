import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { descendants } from "../../src/os/process-tree.ts";
import { shortSha } from "../../src/wire/sha.ts";
import { buildBreakable } from "../lib/breakable.ts";
import { IS_CAMPAIGN, PUBLISHED, someBreaks, spawnBreaks } from "../lib/deploy-faults.ts";
import { IDLE_CLI, TestHive, cleanEnv, commandLine, until } from "../lib/hive.ts";

/**
 * Deploys and spawns on a disk that becomes full, down to the last byte, between any two steps. The state folder is a
 * small file system of the test's own, in a mount namespace that it shares with its daemon. The suite starts the next
 * daemon at the end, and `npm run deployfaults` after each case.
 */

/** The runtime (Node and the idle CLI) is copied onto it, so it cannot be tiny. What matters is that no space is free. */
const SIZE = 384 * 1024 * 1024;
/** Restarts the daemon on the same file system until a file `over` exists. */
const AGAIN = 'while [ ! -e "$1/over" ]; do (shift; exec "$@"); done';

let breakable: Awaited<ReturnType<typeof buildBreakable>>;
let hive: TestHive;
/** The state folder as seen from outside. */
let seen: string;
let models = 0;
/** The end of each request, as the daemon reported it. */
const ends = new Map<number, string>();
const counts = { deployed: 0, failed: 0, spawned: 0, not_spawned: 0 };

function daemon(): number {
  const all = descendants(hive.pid).filter((pid) => commandLine(pid).includes("hive-c0re.js"));
  const pid = all.find((one) => !commandLine(one).startsWith("bwrap") && !commandLine(one).startsWith("sh"));
  if (pid === undefined) throw new Error("there is no daemon");
  return pid;
}
beforeAll(async () => {
  breakable = await buildBreakable();
  hive = new TestHive(IDLE_CLI);
  mkdirSync(hive.stateDir);
  // The sockets are outside of the file system that fills up, so that the test reaches them.
  hive.env["HIVE_RUN_DIR"] = join(hive.folder, "run");
  const box = ["bwrap", "--dev-bind", "/", "/", "--size", String(SIZE), "--tmpfs", hive.stateDir, "--die-with-parent"];
  await hive.start({ dist: breakable.dist, inside: [...box, "sh", "-c", AGAIN, "sh", hive.folder] });
  seen = `/proc/${daemon()}/root${hive.stateDir}`;
  await hive.call("spawn", { name: "ada" });
});
afterAll(async () => {
  console.log(
    `deploys and spawns on a full disk, each followed by ${IS_CAMPAIGN ? "a restart and the checker" : "the checker"}: ${JSON.stringify(counts)}`,
  );
  writeFileSync(join(hive.folder, "over"), "");
  process.kill(daemon(), "SIGTERM");
  await until(() => hive.process.exitCode !== null);
  rmSync(hive.folder, { recursive: true, force: true });
  breakable.remove();
});

test("on a disk without room for the runtime the start says so and how much it needs, and leaves nothing of it there", () => {
  const state = join(hive.folder, "small");
  mkdirSync(state);
  const box = ["--dev-bind", "/", "/", "--size", String(64 * 1024 * 1024), "--tmpfs", state, "--die-with-parent"];
  const start = [process.execPath, join(breakable.dist, "hive-c0re.js"), "serve", "--foreground"];
  const after = '"$@"; code=$?; echo "left: $(ls -A runtime)"; exit $code';
  const { status, stdout, stderr } = spawnSync("bwrap", [...box, "--chdir", state, "sh", "-c", after, "sh", ...start], {
    env: cleanEnv({ HIVE_STATE_DIR: state, HIVE_RUN_DIR: join(hive.folder, "small-run"), HIVE_PORT: "0", HOME: hive.folder }),
    encoding: "utf8",
  });
  expect(stderr).toMatch(/the disk has no room in .*\/small\/runtime for what cages run \(\d+ MiB\): free some, or choose/);
  expect(stdout).toBe("left: \n");
  expect(status).toBe(1);
});

/** Read as files, because git cannot open a folder through another process's root. */
const main = (repo: string): string => readFileSync(join(seen, repo, "refs/heads/main"), "utf8").trim();
const refs = () => ({ meta: main("meta/.git"), main: main("applied/ada.git") });
const arm = (at: string): void => writeFileSync(join(seen, "break.json"), JSON.stringify({ at, how: "full" }));
/** Frees the disk again. */
async function free(): Promise<void> {
  await until(() => !existsSync(join(seen, "break.json")));
  rmSync(join(seen, "filler"));
}
/** Waits until the daemon has looked at the disk again: until then it refuses what the next case asks for. */
async function hasRoom(): Promise<void> {
  const banners = async () => (await hive.call("state", { messages: 0 })).state.hive.banners.map((banner) => banner.text).join();
  await expect.poll(banners, { interval: 500 }).not.toContain("disk is nearly full");
}
/** The next daemon on the same disk. The cages survive and are adopted. */
async function restart(): Promise<void> {
  const ready = hive.ready();
  process.kill(daemon(), "SIGKILL");
  await ready;
  seen = `/proc/${daemon()}/root${hive.stateDir}`;
}
async function holds(): Promise<void> {
  const { findings } = await hive.call("check", {});
  expect(findings.filter((one) => !one.ok)).toEqual([]);
  expect((await hive.call("approvals", { open: true })).approvals).toEqual([]);
}

test.each(someBreaks("full", "third"))("full %s: the change is deployed, or everything stays as it was", async (at) => {
  const before = refs();
  const base64 = Buffer.from(JSON.stringify({ model: `model-${++models}` })).toString("base64");
  const files = [{ path: "agent.json", mode: "100644" as const, base64 }];
  const { request: id } = await hive.call("propose", { agent: "ada", files });
  arm(at);
  await hive.call("approve", { id });
  const events = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && ["deployed", "failed"].includes(event.approval.state),
    { after: 0, kinds: ["approval"] },
  );
  const last = events.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  const { state, sha, error } = last.approval;
  if (PUBLISHED.includes(at)) expect(state).toBe("deployed");
  if (state === "failed") expect(error).toMatch(/no space left|disk is full/i);
  counts[state === "deployed" ? "deployed" : "failed"]++;
  ends.set(id, state);
  await free();
  async function isWhole(): Promise<void> {
    if (state === "failed") expect(refs()).toEqual(before);
    else expect(refs().main).toBe(sha);
    const ada = await hive.untilAgent("ada", (agent) => agent.deploying === undefined && agent.state === "idle");
    expect(ada).toMatchObject({ deployed_sha: shortSha(refs().main), running: true });
    await holds();
  }
  await isWhole();
  if (IS_CAMPAIGN) {
    await restart();
    await isWhole();
  } else await hasRoom();
});

test.each(spawnBreaks("before:lock", "before:main"))("full %s: a spawned agent exists completely, or not at all", async (at) => {
  const name = `new-${at.replace(/\W/g, "-")}`;
  arm(at);
  const spawned = await hive.call("spawn", { name }).then(
    () => true,
    () => false, // For lack of room. The result is checked below.
  );
  if (PUBLISHED.includes(at)) expect(spawned).toBe(true);
  counts[spawned ? "spawned" : "not_spawned"]++;
  await free();
  async function isWhole(): Promise<void> {
    expect((await hive.call("list", {})).agents.includes(name)).toBe(spawned);
    expect(existsSync(join(seen, "proposed", name, "config"))).toBe(spawned);
    await holds();
  }
  await isWhole();
  if (IS_CAMPAIGN) {
    await restart();
    await isWhole();
  } else await hasRoom();
  if (spawned) await hive.call("destroy", { name, purge: true });
});

test("the next start changes nothing of what the last daemon reported", async () => {
  const before = refs();
  const { agents } = await hive.call("list", {});
  await restart();
  expect(refs()).toEqual(before);
  expect((await hive.call("list", {})).agents).toEqual(agents);
  for (const [id, state] of ends) expect((await hive.call("show", { id })).approval.state).toBe(state);
  await hive.untilAgent("ada", (agent) => agent.state === "idle" && agent.deployed_sha === shortSha(before.main));
  await holds();
});

test("on a disk that was full some deploys have failed, and others have succeeded", () => {
  expect(counts.failed).toBeGreaterThan(0);
  expect(counts.deployed).toBeGreaterThan(0);
  expect(counts.not_spawned).toBeGreaterThan(0);
});
