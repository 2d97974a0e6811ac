import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cageLogTail } from "./cage-log.ts";

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), "cage-log-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the tail of a cage's log is its last 15 lines, at most 4096 bytes, or nothing", async () => {
  const file = join(folder, "cage.log");
  expect(await cageLogTail(file)).toBe("");
  writeFileSync(file, Array.from({ length: 100 }, (_, n) => `line ${n}\n`).join(""));
  expect((await cageLogTail(file)).split("\n")).toEqual(Array.from({ length: 15 }, (_, n) => `line ${n + 85}`));
  writeFileSync(file, "x".repeat(10_000));
  expect(await cageLogTail(file)).toHaveLength(4_096);
});
