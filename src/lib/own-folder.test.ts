import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { ownFolder } from "./own-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "own-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the folder of a setting is made, without the links on its way", () => {
  mkdirSync(join(folder, "real"));
  symlinkSync("real", join(folder, "link"));
  expect(ownFolder("HIVE_STATE_DIR", join(folder, "link/a/b"))).toBe(join(folder, "real/a/b"));
});

test("where no folder can be, the error names the setting", () => {
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const path of [file, join(file, "below")])
    expect(() => ownFolder("HIVE_STATE_DIR", path)).toThrow(
      `no folder can be made at ${path}: there is a file in its place. Set HIVE_STATE_DIR to another one`,
    );
  expect(() => ownFolder("HIVE_RUN_DIR", "/proc/hive")).toThrow(
    "no folder can be made at /proc/hive: no such file or directory. Set HIVE_RUN_DIR to another one",
  );
});
