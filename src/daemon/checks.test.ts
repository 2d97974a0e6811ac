import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkHost, checkNative } from "./checks.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "checks-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a build of better-sqlite3 whose objects end the process when they are collected is told, with what mends it", () => {
  const file = join(folder, "better_sqlite3.node");
  expect(checkNative(file)).toBeUndefined();
  writeFileSync(file, "ELF AddEnvironmentCleanupHook");
  expect(checkNative(file)).toBeUndefined();
  writeFileSync(file, "ELF AddEnvironmentCleanupHook _ZN4node28RemoveEnvironmentCleanupHookEPN2v87IsolateE");
  expect(checkNative(file)).toMatchObject({ level: "error", mend: expect.stringContaining("npm start") as string });
});

test("the one that runs here is as it has to be", () => {
  expect(checkHost(process.env["PATH"] ?? "").filter(({ what }) => what.startsWith("better-sqlite3"))).toEqual([]);
});
