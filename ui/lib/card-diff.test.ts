import { describe, expect, test } from "vitest";
import { diffFiles } from "../../test/lib/fixtures.ts";
import type { DiffFile } from "../../src/wire/approval.ts";
import { cardDiff, hiddenWords } from "./card-diff.ts";

const file = (path: string, lines: number, more: Partial<DiffFile> = {}): DiffFile => ({
  path,
  status: "added",
  binary: false,
  cut: false,
  added: lines,
  removed: 0,
  patch: `@@ -0,0 +1,${lines} @@\n${Array.from({ length: lines }, (_, n) => `+${path} ${n}\n`).join("")}`,
  ...more,
});
const shown = (files: readonly DiffFile[]): number => cardDiff(files).parts.reduce((sum, { lines }) => sum + lines.length, 0);

describe("a card", () => {
  test("has every changed line of a small change", () => {
    const diff = cardDiff(diffFiles());
    expect(diff).toMatchObject({ isWhole: true, hiddenLines: 0, hiddenFiles: 0 });
    expect(diff.parts.map(({ lines }) => lines.length)).toEqual([7, 9]);
  });

  test("counts what it leaves out of a longer one, which is then not whole", () => {
    const files = [file("agent.json", 12), file("INSTRUCTIONS.md", 60)];
    expect(cardDiff(files)).toMatchObject({ isWhole: false, hiddenLines: 63, hiddenFiles: 1 });
    expect(hiddenWords(cardDiff(files))).toBe("63 more changed lines, 1 more file");
    expect(shown(files)).toBe(9);
  });

  test("takes a long line for the rows that it wraps into", () => {
    const long = file("a.md", 1, { patch: `@@ -0,0 +1 @@\n+${"word ".repeat(2_000)}\n` });
    expect(cardDiff([long])).toMatchObject({ isWhole: false, hiddenLines: 1, hiddenFiles: 1 });
    // Nothing after it is shown as if it came next.
    const later = file("a.md", 2, { patch: `@@ -0,0 +1,2 @@\n+${"word ".repeat(2_000)}\n+end\n` });
    expect(shown([later, file("b.md", 1)])).toBe(0);
  });

  test("is not whole with more files than fit, though none has a changed line", () => {
    const empty = Array.from({ length: 30 }, (_, n) => file(`${n}.txt`, 0, { patch: undefined }));
    expect(cardDiff(empty)).toMatchObject({ isWhole: false, hiddenLines: 0, hiddenFiles: 20 });
    expect(hiddenWords(cardDiff(empty))).toBe("20 more files");
  });

  test("is not whole with content that is not text or is cut", () => {
    expect(cardDiff([file("a.bin", 1, { binary: true, patch: undefined })]).isWhole).toBe(false);
    expect(cardDiff([file("a.md", 2, { cut: true })]).isWhole).toBe(false);
  });

  test("names a file that the hive never reads, and does not count its lines", () => {
    const nix = file("flake.nix", 40, { ignored: true });
    expect(cardDiff([file("agent.json", 3), nix])).toMatchObject({ isWhole: true, ignored: [nix] });
  });
});
