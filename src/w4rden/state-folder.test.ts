import { linkSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chownSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { takeLock } from "../store/lock.ts";
import { hostUid } from "../platforms/uids.ts";
import { takeStateFolder } from "./state-folder.ts";

/** Only root gives files away. */
const isRoot = process.getuid?.() === 0;
/** A uid that no user of this host has. */
const account = { name: "hive-test", uid: 64_991, gid: 64_992 };
const AGENT = hostUid("0000abcd", 3);

let top: string;
let state: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "state-"));
  state = join(top, "s");
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

const owner = (...path: string[]): [number, number] => {
  const { uid, gid } = lstatSync(join(state, ...path));
  return [uid, gid];
};

test("a folder of root is given with root's files; agents' files keep their users", () => {
  if (!isRoot) return;
  mkdirSync(join(state, "agents/a1/state"), { recursive: true });
  writeFileSync(join(state, "hive.db"), "");
  writeFileSync(join(state, "agents/a1/state/root-wrote-this"), "");
  symlinkSync("/etc/passwd", join(state, "link"));
  mkdirSync(join(state, "socket-folder"));
  chownSync(join(state, "socket-folder"), 0, AGENT);
  chownSync(join(state, "agents/a1/state"), AGENT, AGENT);
  takeStateFolder(state, account);
  const daemons = [account.uid, account.gid];
  expect([owner(), owner("hive.db"), owner("agents/a1"), owner("link")]).toEqual([daemons, daemons, daemons, daemons]);
  expect(owner("socket-folder")).toEqual([account.uid, AGENT]);
  expect(owner("agents/a1/state")).toEqual([AGENT, AGENT]);
  // An agent can write in its folder, so nothing in it is given away.
  expect(owner("agents/a1/state/root-wrote-this")).toEqual([0, 0]);
  expect(lstatSync("/etc/passwd").uid).toBe(0);
  expect(lstatSync(state).mode & 0o777).toBe(0o750);
});

test("a start that was interrupted is repeated", () => {
  if (!isRoot) return;
  mkdirSync(join(state, "repos"), { recursive: true });
  writeFileSync(join(state, "hive.db"), "");
  // The folder itself is given last.
  chownSync(join(state, "repos"), account.uid, account.gid);
  takeStateFolder(state, account);
  expect([owner("hive.db")[0], owner()[0]]).toEqual([account.uid, account.uid]);
});

test("a file with another name stays root's there", () => {
  if (!isRoot) return;
  mkdirSync(join(state, "runtime"), { recursive: true });
  writeFileSync(join(top, "node"), "program", { mode: 0o755 });
  linkSync(join(top, "node"), join(state, "runtime/node"));
  takeStateFolder(state, account);
  expect(lstatSync(join(top, "node"))).toMatchObject({ uid: 0, nlink: 1 });
  expect(lstatSync(join(state, "runtime/node"))).toMatchObject({ uid: account.uid, nlink: 1, size: 7 });
  expect(lstatSync(join(state, "runtime/node")).mode & 0o777).toBe(0o755);
});

test("a folder of another user, a link, and a folder on which a daemon runs are refused, and stay as they are", () => {
  if (!isRoot) return;
  mkdirSync(state);
  chownSync(state, 1234, 1234);
  expect(() => takeStateFolder(state, account)).toThrow(/belongs to uid 1234: start the hive as that user/);
  expect(owner()).toEqual([1234, 1234]);
  chownSync(state, 0, 0);
  symlinkSync(state, join(top, "link"));
  expect(() => takeStateFolder(join(top, "link"), account)).toThrow(/is a symbolic link/);
  const lock = takeLock(join(state, "daemon.lock"));
  expect(() => takeStateFolder(state, account)).toThrow(
    new RegExp(`a daemon that root has started runs on ${state} \\(pid ${process.pid}\\)`),
  );
  lock.release();
  expect(owner()).toEqual([0, 0]);
  takeStateFolder(state, account);
  expect(owner()).toEqual([account.uid, account.gid]);
});

test("a missing folder is made, in folders that the daemon's user can enter", () => {
  if (!isRoot) return;
  state = join(top, "a/b/s");
  takeStateFolder(state, account);
  expect(owner()).toEqual([account.uid, account.gid]);
  expect(lstatSync(join(top, "a/b"))).toMatchObject({ uid: 0, mode: 0o40755 });
});
