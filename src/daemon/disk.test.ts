import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import { HiveError } from "../wire/error.ts";
import { Disk } from "./disk.ts";

let folder: string;
let ballast: string;
let log: string[];
let disk: Disk;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-"));
  ballast = join(folder, "ballast");
  log = [];
  const bus = openBus();
  bus.on("changed", (what) => void log.push(`changed ${what === "hive" ? what : what.name}`));
  const write =
    (level: string) =>
    (words: string): void =>
      void log.push(`${level}: ${words}`);
  disk = new Disk({ paths: { state: folder, ballast }, bus, log: { info: write("info"), warn: write("warn") } });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a write that fails on a full disk frees the ballast until there is room, and each change is logged and shown once", () => {
  disk.runOnce();
  expect([disk.low, existsSync(ballast), log]).toEqual([false, true, []]);
  expect(disk.checkAfter(new HiveError("disk_full", "the disk is full"))).toBe(true);
  expect(existsSync(ballast)).toBe(false);
  disk.checkAfter(Object.assign(new Error("no space"), { code: "ENOSPC" }));
  disk.runOnce();
  disk.runOnce();
  expect([disk.low, existsSync(ballast)]).toEqual([false, true]);
  expect(log).toEqual([
    "warn: the disk is nearly full: new data is refused until there is room",
    "changed hive",
    "info: there is room on the disk again",
    "changed hive",
  ]);
});

test("other errors are unchanged while there is room", () => {
  const defect = new TypeError("a defect");
  expect(disk.explain(defect)).toBe(defect);
  expect(log).toEqual([]);
});
