import { expect, test } from "vitest";
import { findSocket, stateFolder } from "./socket.ts";

const find = (env: Record<string, string>, there: string[], uid: number): string =>
  findSocket(env, undefined, (path) => there.includes(path), uid);
const HOME = { HOME: "/h" };

test("settings win, then your own hive, then the system's", () => {
  expect(find({ ...HOME, HIVE_RUN_DIR: "/r" }, [], 0)).toBe("/r/host.sock");
  expect(find({ ...HOME, HIVE_STATE_DIR: "/s" }, [], 0)).toBe("/s/run/host.sock");
  const own = "/h/.local/state/hyperhive/run/host.sock";
  const roots = "/var/lib/hyperhive/run/host.sock";
  expect(find(HOME, [own, roots], 1000)).toBe(own);
  expect(find(HOME, [roots], 1000)).toBe(roots);
  expect(find(HOME, ["/run/hyperhive/host.sock", roots], 1000)).toBe("/run/hyperhive/host.sock");
  expect(find(HOME, [], 1000)).toBe(own);
});

test("root's hive is in /var/lib, unless root has one of an earlier version", () => {
  expect(find(HOME, [], 0)).toBe("/var/lib/hyperhive/run/host.sock");
  expect(stateFolder(HOME, () => false, 0)).toBe("/var/lib/hyperhive");
  expect(stateFolder(HOME, () => true, 0)).toBe("/h/.local/state/hyperhive");
  expect(stateFolder(HOME, () => false, 1000)).toBe("/h/.local/state/hyperhive");
});
