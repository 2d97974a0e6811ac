import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostUid } from "../platforms/uids.ts";
import { takeLock } from "../store/lock.ts";
import { carryOut, oldState, plan, planWords } from "./move.ts";

const isRoot = process.getuid?.() === 0;
const AGENT = hostUid("0000abcd", 3);
/** A folder on another file system than the temporary folder. */
const ELSEWHERE = "/dev/shm";

let top: string;
let far: string;
let from: string;
let state: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "move-"));
  far = mkdtempSync(join(ELSEWHERE, "move-"));
  [from, state] = [join(top, "old"), join(top, "new/hive")];
  mkdirSync(join(from, "agents/a1/state"), { recursive: true });
  writeFileSync(join(from, "hive.db"), "rows");
  writeFileSync(join(from, "agents/a1/state/note"), "");
  if (isRoot) for (const path of ["agents/a1/state", "agents/a1/state/note"]) chownSync(join(from, path), AGENT, AGENT);
});
afterEach(() => {
  for (const folder of [top, far]) rmSync(folder, { recursive: true, force: true });
});

test("the old folder is root's own, by the rules of the daemon", () => {
  expect(oldState({ HOME: "/root" })).toBe("/root/.local/state/hyperhive");
  expect(oldState({ HOME: "/root", XDG_STATE_HOME: "/x" })).toBe("/x/hyperhive");
});

test("it is moved in one step to an empty place, and only once", () => {
  if (!isRoot) return;
  const planned = plan(state, from);
  expect(planned).toEqual({ move: { from, how: "rename" }, give: { given: 4, kept: 1 } });
  expect(planWords(planned, state, "hyperhive")).toEqual([
    `move ${from} to ${state}`,
    "give 4 files and folders of root in it to hyperhive; 1 of agents keep their users",
  ]);
  // A plan changes nothing.
  expect([existsSync(state), readdirSync(from).length]).toEqual([false, 2]);
  carryOut(planned, state);
  expect([existsSync(from), existsSync(join(state, "hive.db"))]).toEqual([false, true]);
  expect(plan(state, from).move).toBeUndefined();
});

test("on another file system it is copied, kept aside, and finished after a crash", () => {
  if (!isRoot) return;
  const target = join(far, "hive");
  mkdirSync(target);
  mkdirSync(`${target}.moving`);
  const planned = plan(target, from);
  expect(planned.move).toEqual({ from, how: "copy" });
  carryOut(planned, target);
  expect(lstatSync(join(target, "agents/a1/state/note")).uid).toBe(AGENT);
  expect([existsSync(from), existsSync(`${from}.moved/hive.db`), existsSync(`${target}.moving`)]).toEqual([false, true, false]);

  // A crash before the old folder was put aside.
  mkdirSync(from);
  writeFileSync(join(from, "hive.db"), "rows");
  rmSync(`${from}.moved`, { recursive: true });
  const again = plan(target, from);
  expect(again.move).toEqual({ from, how: "finish" });
  carryOut(again, target);
  expect([existsSync(from), existsSync(`${from}.moved`), existsSync(join(target, "agents"))]).toEqual([false, true, true]);
});

test("nothing is moved without a hive there, onto a hive, or while a daemon or a cage runs", () => {
  if (!isRoot) return;
  expect(plan(state, join(top, "none")).move).toBeUndefined();
  mkdirSync(state, { recursive: true });
  writeFileSync(join(state, "hive.db"), "another");
  chownSync(state, 64_991, 64_991);
  expect(plan(state, from).move).toBeUndefined();
  rmSync(state, { recursive: true });
  const lock = takeLock(join(from, "daemon.lock"));
  expect(() => plan(state, from)).toThrow(/a daemon of an earlier version runs on .*: stop it first/);
  lock.release();
  const startTime = Number(/\) (?:\S+ ){19}(\d+)/.exec(readStat())?.[1]);
  mkdirSync(join(from, "agents/a1/cage"));
  writeFileSync(join(from, "agents/a1/cage/cage.json"), JSON.stringify({ init: { pid: process.pid, startTime } }));
  expect(() => plan(join(far, "hive"), from)).toThrow(/a cage of it runs \(pid \d+\): stop the agents first/);
  // A rename does not disturb cages.
  expect(plan(state, from).move?.how).toBe("rename");
});

function readStat(): string {
  return readFileSync("/proc/self/stat", "utf8");
}
