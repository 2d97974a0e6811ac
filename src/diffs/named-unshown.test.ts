import { expect, test } from "vitest";
import type { DiffFile } from "../wire/approval.ts";
import { namedUnshown } from "./named-unshown.ts";

const file = (path: string, facts: Partial<DiffFile> = {}): DiffFile => ({
  path,
  status: "modified",
  added: 1,
  removed: 0,
  binary: false,
  cut: false,
  patch: "",
  ...facts,
});
const words = { subject: "request 4", look: "`hivectl show 4 --file <path>`", how: "`--unshown <path>`" };

test("what is shown whole needs no name", () => {
  expect(namedUnshown([file("a.txt")], [], words)).toEqual([]);
});

test("each path of unshown content must be named, and only those are returned", () => {
  const files = [file("a.txt"), file("logo.png", { binary: true }), file("long.txt", { cut: true })];
  expect(namedUnshown(files, ["long.txt", "logo.png", "a.txt"], words)).toEqual(["logo.png", "long.txt"]);
  expect(() => namedUnshown(files, ["logo.png"], words)).toThrow(
    "request 4 changes files that are not shown whole:\n  long.txt (too long)\nLook at each (`hivectl show 4 --file <path>`, or its page)",
  );
  expect(() => namedUnshown(files, [], words)).toThrow("logo.png (not text)\n  long.txt (too long)");
});

test("a path of an agent moves no cursor and breaks no line of the refusal", () => {
  const files = [file("a\u001b[2K\nb\u202e.png", { binary: true })];
  expect(() => namedUnshown(files, [], words)).toThrow('whole:\n  "a\\u001b[2K\\nb⟨U+202E⟩.png" (not text)\nLook');
});

test("a refusal lists no more paths than fit on a screen, and counts the rest", () => {
  const files = Array.from({ length: 100_000 }, (_, n) => file(`${n}.bin`, { binary: true }));
  expect(() => namedUnshown(files, [], words)).toThrow("\n  19.bin (not text)\n  and 99980 more\n");
});
