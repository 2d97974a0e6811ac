import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyPatch } from "diff";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TreeFile } from "../wire/approval.ts";
import { bwrapPlatform } from "../platforms/bwrap/platform.ts";
import { openRepos } from "./index.ts";
import type { AppliedRepo, FileChange } from "./types.ts";

const FACTS = { author: "t", at: 0, message: "m" };
let root: string;
let applied: AppliedRepo;

beforeAll(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "diff-")));
  const at = (name: string): string => join(root, name);
  applied = (await openRepos({ proposed: at("p"), applied: at("a"), meta: at("m"), scratch: at("s") }, bwrapPlatform())).applied(
    "x",
  );
  await applied.ensure();
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

type Tree = Record<string, string | Buffer | { mode: TreeFile["mode"]; text: string }>;
function commit(tree: Tree): Promise<string> {
  const files = Object.entries(tree).map(([path, value]): TreeFile => {
    const { mode, text } = typeof value === "string" || Buffer.isBuffer(value) ? { mode: "100644" as const, text: value } : value;
    return { path, mode, base64: Buffer.from(text).toString("base64") };
  });
  return applied.commit(files, [], FACTS);
}
type Shown = Omit<FileChange, "hunks"> & { patch: string };
async function diff(before: Tree | undefined, after: Tree, path?: string): Promise<Shown[]> {
  const changes = await applied.diff(before && (await commit(before)), await commit(after), path);
  return changes.map(({ hunks, ...change }) => ({ ...change, patch: hunks.toString("utf8") }));
}

describe("a change", () => {
  test("of each kind, with modes, in the order of paths", async () => {
    const files = await diff(
      { a: "1\n", b: "same\n", "c d": "gone\n", e: "x\n", f: "file\n", "z/l": { mode: "120000", text: "old" } },
      {
        a: "2\n",
        b: "same\n",
        e: { mode: "100755", text: "x\n" },
        f: { mode: "120000", text: "a" },
        "n/ü": "new\n",
        "z/l": { mode: "120000", text: "new" },
      },
    );
    expect(files).toEqual([
      {
        path: "a",
        status: "modified",
        old_mode: "100644",
        new_mode: "100644",
        added: 1,
        removed: 1,
        patch: "@@ -1 +1 @@\n-1\n+2\n",
      },
      { path: "c d", status: "deleted", old_mode: "100644", added: 0, removed: 1, patch: "@@ -1 +0,0 @@\n-gone\n" },
      { path: "e", status: "modified", old_mode: "100644", new_mode: "100755", added: 0, removed: 0, patch: "" },
      {
        path: "f",
        status: "type_changed",
        old_mode: "100644",
        new_mode: "120000",
        added: 1,
        removed: 1,
        patch: "@@ -1 +0,0 @@\n-file\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n",
      },
      { path: "n/ü", status: "added", new_mode: "100644", added: 1, removed: 0, patch: "@@ -0,0 +1 @@\n+new\n" },
      {
        path: "z/l",
        status: "modified",
        old_mode: "120000",
        new_mode: "120000",
        added: 1,
        removed: 1,
        patch: "@@ -1 +1 @@\n-old\n\\ No newline at end of file\n+new\n\\ No newline at end of file\n",
      },
    ]);
  });

  test("against nothing everything is new; against itself nothing is", async () => {
    expect((await diff(undefined, { a: "1\n", "b/c": "2\n" })).map(({ path, status }) => [path, status])).toEqual([
      ["a", "added"],
      ["b/c", "added"],
    ]);
    expect(await diff({ a: "1" }, { a: "1" })).toEqual([]);
    expect(await diff(undefined, { empty: "" })).toEqual([
      { path: "empty", status: "added", new_mode: "100644", added: 0, removed: 0, patch: "" },
    ]);
  });

  test("of a rename shows every line of the new file", async () => {
    const text = "one\ntwo\nthree\nfour\n";
    const files = await diff({ old: text }, { new: `${text}and a bad one\n` });
    expect(files.map(({ path, status, added }) => [path, status, added])).toEqual([
      ["new", "added", 5],
      ["old", "deleted", 0],
    ]);
  });

  test("keeps bytes unchanged, including lines of a binary", async () => {
    const changes = await applied.diff(undefined, await commit({ a: Buffer.from([0, 1, 10, 0xff]) }));
    expect(changes[0]?.hunks.toString("latin1")).toBe("@@ -0,0 +1,2 @@\n+\0\x01\n+\xff\n\\ No newline at end of file\n");
  });

  test("of one file uses its literal name, not a pattern", async () => {
    const tree = { "*": "1\n", a: "2\n", ":(glob)**": "3\n", "c/d": "4\n" };
    for (const [path, text] of Object.entries(tree)) {
      const files = await diff(undefined, tree, path);
      expect(files.map((one) => [one.path, one.patch])).toEqual([[path, `@@ -0,0 +1 @@\n+${text}`]]);
    }
    expect(await diff(undefined, tree, "b")).toEqual([]);
  });

  test("keeps content that looks like a diff as content", async () => {
    const evil = "diff --git a/x b/x\n@@ -1 +1 @@\n--- a/y\n+++ b/y\n\\ No newline\nnew file mode 100755\n";
    const files = await diff({ a: `-${evil}`, b: "1\n" }, { a: evil, b: "2\n" });
    expect(files.map(({ path }) => path)).toEqual(["a", "b"]);
    expect(files[0]?.patch).toContain("+diff --git a/x b/x\n");
    expect(files[1]?.patch).toBe("@@ -1 +1 @@\n-1\n+2\n");
  });
});

test("for any two trees, the patches lead from one to the other and count what they add and remove", async () => {
  const path = fc.constantFrom("a", "b", "c/d", "c/e f", "ü");
  const text = fc
    .array(fc.constantFrom("x", "y", "diff --git a/a b/a", "--- a/a", "+z", "", "@@ -1 +1 @@"), { maxLength: 8 })
    .map((lines) => lines.join("\n"));
  const tree = fc.dictionary(path, text, { maxKeys: 5, noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(tree, tree, async (before, after) => {
      const files = await diff(before, after);
      const changed = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((one) => before[one] !== after[one]);
      expect(files.map((one) => one.path).sort()).toEqual(changed.sort());
      for (const one of files) {
        expect(applyPatch(before[one.path] ?? "", one.patch ?? "")).toBe(after[one.path] ?? "");
        const signs = (one.patch ?? "").split("\n").map((line) => line[0]);
        expect([one.added, one.removed]).toEqual([
          signs.filter((sign) => sign === "+").length,
          signs.filter((sign) => sign === "-").length,
        ]);
      }
    }),
    { numRuns: 60 },
  );
});
