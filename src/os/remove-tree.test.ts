import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeTree } from "./remove-tree.ts";

let top: string;
beforeEach(() => (top = mkdtempSync(join(tmpdir(), "remove-"))));
afterEach(() => rmSync(top, { recursive: true }));

test("folders without permissions are removed; what a link names outside keeps its content and its mode", async () => {
  writeFileSync(join(top, "outside"), "kept", { mode: 0o400 });
  const tree = join(top, "tree");
  mkdirSync(join(tree, "store", "deep"), { recursive: true });
  writeFileSync(join(tree, "store", "deep", "file"), "x", { mode: 0o444 });
  symlinkSync(join(top, "outside"), join(tree, "store", "link"));
  chmodSync(join(tree, "store", "deep"), 0o000);
  chmodSync(join(tree, "store"), 0o555);
  await removeTree(tree);
  expect(existsSync(tree)).toBe(false);
  expect(readFileSync(join(top, "outside"), "utf8")).toBe("kept");
});

test("a folder that is not there is removed", async () => {
  await expect(removeTree(join(top, "none"))).resolves.toBeUndefined();
});
