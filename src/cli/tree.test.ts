import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MAX_CONFIG_BYTES, MAX_CONFIG_FILES } from "../wire/limits.ts";
import { readTree, writeTree } from "./tree.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tree-"));
  writeFileSync(join(root, "agent.json"), "{}");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("a folder becomes files with their modes, without .git", () => {
  mkdirSync(join(root, ".git"));
  writeFileSync(join(root, ".git", "HEAD"), "x");
  writeFileSync(join(root, "ä.sh"), "x", { mode: 0o755 });
  symlinkSync("nowhere", join(root, "link"));
  expect(readTree(root).map(({ path, mode }) => [path, mode])).toEqual([
    ["agent.json", "100644"],
    ["link", "120000"],
    ["ä.sh", "100755"],
  ]);
});

test.each<[string, () => void, RegExp]>([
  [
    "a name that is not UTF-8",
    () => writeFileSync(Buffer.concat([Buffer.from(`${root}/a`), Buffer.from([0xff, 0x0a])]), "x"),
    /^the file name a⟨FF⟩⟨0A⟩ in .+ is not valid UTF-8: rename it$/,
  ],
  [
    "such a folder, further down",
    () => {
      mkdirSync(join(root, "sub"));
      mkdirSync(Buffer.concat([Buffer.from(`${root}/sub/`), Buffer.from([0xc3])]));
    },
    /^the file name ⟨C3⟩ in .+sub is not valid UTF-8/,
  ],
  [
    "a file of any size",
    () => {
      writeFileSync(join(root, "big"), "");
      truncateSync(join(root, "big"), 1024 ** 4);
    },
    new RegExp(`^with big, .+ has more than ${MAX_CONFIG_BYTES} bytes`),
  ],
  [
    "too many files",
    () => {
      for (let n = 0; n < MAX_CONFIG_FILES; n++) writeFileSync(join(root, `f${n}`), "");
    },
    new RegExp(`has more than ${MAX_CONFIG_FILES} files`),
  ],
])("%s is refused with a reason", (_, make, words) => {
  make();
  expect(() => readTree(root)).toThrow(words);
});

test("a config that was written into a folder is read as the same, and no folder is written twice", () => {
  const files = [
    { path: "agent.json", mode: "100644" as const, text: "{}" },
    { path: "bin/link", mode: "120000" as const, text: "run", base64: Buffer.from("run").toString("base64") },
    { path: "bin/run", mode: "100755" as const, text: "?", base64: "AP8=" },
  ];
  const folder = join(root, "saved");
  writeTree(folder, files);
  expect(readTree(folder)).toEqual([
    { path: "agent.json", mode: "100644", base64: "e30=" },
    { path: "bin/link", mode: "120000", base64: "cnVu" },
    { path: "bin/run", mode: "100755", base64: "AP8=" },
  ]);
  expect(() => writeTree(folder, files)).toThrow(/cannot be written: .*EEXIST.*name a new folder/);
});
