import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkFilter, checkHost, checkNative } from "./checks.ts";

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

test("an architecture or a kernel without the cages' system-call filter is named, with what to use instead", () => {
  expect(checkFilter("x64", "kill_process errno allow").level).toBe("ok");
  expect(checkFilter("arm64", "allow kill_process").level).toBe("ok");
  expect(checkFilter("riscv64", "kill_process")).toMatchObject({
    level: "error",
    mend: expect.stringContaining("none for riscv64: run the hive with a 64-bit Node") as string,
  });
  expect(checkFilter("ia32", "kill_process").level).toBe("error");
  for (const actions of [undefined, "", "kill_thread errno allow"])
    expect(checkFilter("x64", actions)).toMatchObject({ level: "error", mend: expect.stringContaining("Linux 4.14") as string });
});
