import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkTree, pathComplaint, shown, type TreeEntry } from "./tree-rules.ts";

const plain = (path: string): TreeEntry => ({ path, mode: "100644", bytes: 1 });
const link = (path: string, target: string): TreeEntry => ({ path, mode: "120000", bytes: target.length, target });

describe("paths", () => {
  test.each([
    "a",
    "a/b.c",
    ".gitignore",
    ".gitattributes",
    ".github/x",
    "git",
    "x.git",
    "a/.gitmodules",
    "-rf",
    "ünï/文",
    "with space",
    "..a",
    "a..",
    "…",
  ])("%s is valid", (path) => {
    expect(pathComplaint(path)).toBeUndefined();
  });
  // Each on its own, regardless of git's own check.
  test.each([".git", "a/.GIT/b", ".Git.", ".git ", "git~1", "GIT~1", ".git:x", ".git::$INDEX_ALLOCATION", "a\\.git", ".ｇｉｔ"])(
    "%j is like .git",
    (path) => {
      expect(pathComplaint(path)).toMatch(/`\.git`/);
    },
  );
  test.each(["", ".", "..", "a//b", "/a", "a/", "a/./b", "a/../b"])("%j is not a path", (path) => {
    expect(pathComplaint(path)).toMatch(/empty/);
  });
  test.each(["a\nb", "a\tb", "\0", "\x1b[0m", "a\u202eb", "\u200b", "\u{e0041}", "\ufeff"])(
    "%j has unseen characters",
    (path) => {
      expect(pathComplaint(path)).toMatch(/invisible/);
      expect(shown(path)).toMatch(/^"[\x20-\x7e]*(?:⟨U\+[0-9A-F]{4,5}⟩|[␀␛])[\x20-\x7e]*"$/);
    },
  );
});

test("a file that is also a folder, or a duplicate", () => {
  expect(() => checkTree([plain("a"), plain("a/b/c")])).toThrow(/is a file and a folder/);
  expect(() => checkTree([plain("a"), plain("a")])).toThrow(/is there twice/);
});

test("links: in any tree, a link that the rules accept stays inside on a real file system", () => {
  const name = fc.constantFrom("a", "b", "c");
  const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const target = fc
    .array(fc.constantFrom("a", "b", "c", "a", "b", "c", ".", "..", "..", ""), { minLength: 1, maxLength: 5 })
    .map((parts) => parts.join("/"));
  const tree = fc.uniqueArray(fc.record({ path, target }), { maxLength: 6, selector: (one) => one.path });
  let passed = 0;
  fc.assert(
    fc.property(tree, (links) => {
      const entries = links.map((one) => link(one.path, one.target));
      try {
        checkTree(entries);
      } catch {
        // Refused: nothing is written.
        return;
      }
      const top = realpathSync(mkdtempSync(join(tmpdir(), "links-")));
      const root = join(top, "tree");
      try {
        mkdirSync(root);
        for (const one of links) {
          mkdirSync(dirname(join(root, one.path)), { recursive: true });
          symlinkSync(one.target, join(root, one.path));
        }
        for (const one of links) {
          passed += 1;
          let real: string;
          try {
            real = realpathSync(join(root, one.path));
          } catch {
            // A dangling link.
            continue;
          }
          expect(`${real}/`.startsWith(`${root}/`), `${one.path} → ${one.target} is ${real}`).toBe(true);
        }
      } finally {
        rmSync(top, { recursive: true, force: true });
      }
    }),
    { numRuns: 500 },
  );
  expect(passed).toBeGreaterThan(20);
});
