import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bytesOnDisk } from "./disk-use.ts";

const MIB = 1024 * 1024;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "disk-use-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const within = async (bytes: number): Promise<void> => {
  const used = await bytesOnDisk([join(folder, "a"), join(folder, "b")]);
  expect(used).toBeGreaterThanOrEqual(bytes);
  expect(used).toBeLessThan(bytes + MIB / 2);
};

test("counts the contents of all folders once, whatever their name and depth, and follows no link out of them", async () => {
  for (const name of ["a", "b", "elsewhere"]) mkdirSync(join(folder, name));
  await within(0);
  writeFileSync(join(folder, "a", "-rf"), Buffer.alloc(MIB, 1));
  writeFileSync(join(folder, "b", "new\nline"), Buffer.alloc(MIB, 1));
  await within(2 * MIB);
  // A second name of the same bytes, and a link out.
  linkSync(join(folder, "a", "-rf"), join(folder, "b", "again"));
  writeFileSync(join(folder, "elsewhere", "huge"), Buffer.alloc(8 * MIB, 1));
  symlinkSync(join(folder, "elsewhere"), join(folder, "a", "out"));
  await within(2 * MIB);
  const deep = join(folder, "a", ...Array.from({ length: 30 }, () => "d".repeat(100)));
  mkdirSync(deep, { recursive: true });
  writeFileSync(join(deep, "hidden"), Buffer.alloc(MIB, 1));
  await within(3 * MIB);
});

test("a missing folder counts as empty and does not affect the others", async () => {
  mkdirSync(join(folder, "b"));
  writeFileSync(join(folder, "b", "file"), Buffer.alloc(MIB, 1));
  await within(MIB);
});

test("empty files count, too: a file system has a limited number", async () => {
  mkdirSync(join(folder, "a"));
  for (let n = 0; n < 1000; n++) writeFileSync(join(folder, "a", String(n)), "");
  expect(await bytesOnDisk([join(folder, "a")])).toBeGreaterThanOrEqual(1000 * 4096);
});
