import { closeSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openFolder } from "./open-folder.ts";

let top: string;
beforeEach(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "open-")));
  mkdirSync(join(top, "a/b"), { recursive: true });
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

test("a folder is opened by its own path", () => {
  const { fd, stat } = openFolder(join(top, "a/b"));
  expect(stat.ino).toBe(statSync(join(top, "a/b")).ino);
  closeSync(fd);
});

test("a link is refused wherever it is on the path, and so is what is no folder", () => {
  symlinkSync(join(top, "a"), join(top, "link"));
  symlinkSync("b", join(top, "a/last"));
  writeFileSync(join(top, "file"), "");
  expect(() => openFolder(join(top, "link/b"))).toThrow(`${top}/link is a symbolic link or no folder`);
  expect(() => openFolder(join(top, "a/last"))).toThrow(`${top}/a/last is a symbolic link or no folder`);
  expect(() => openFolder(join(top, "file"))).toThrow(/no folder/);
  expect(() => openFolder(join(top, "none"))).toThrow(`${top}/none does not exist on this host`);
  expect(() => openFolder("/proc/self/root")).toThrow(/symbolic link/);
});
