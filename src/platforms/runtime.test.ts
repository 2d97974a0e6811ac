import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { revisionOf } from "./runtime.ts";

/** The revision of a runtime whose large program has this content and time. Seconds. */
function revision(content: string, seconds: number): string {
  const folder = mkdtempSync(join(tmpdir(), "hive-runtime-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const from = join(folder, "program");
  writeFileSync(from, content);
  utimesSync(from, seconds, seconds);
  return revisionOf([{ from, to: "bin/program", large: true }], []);
}

test("a large program is identified by size and time", () => {
  expect(revision("one", 1_700_000_000)).toBe(revision("two", 1_700_000_000));
  expect(revision("one", 1_700_000_000)).not.toBe(revision("one", 1_700_000_001));
});

test.each([0, 1])("a large program of a time that says nothing, %s, is identified by its content", (seconds) => {
  expect(revision("one", seconds)).not.toBe(revision("two", seconds));
  expect(revision("one", seconds)).toBe(revision("one", seconds));
});

test("a large program of a store is identified by its path, and not read", () => {
  const store = mkdtempSync(join(tmpdir(), "hive-store-"));
  onTestFinished(() => rmSync(store, { recursive: true }));
  const revisionAt = (name: string, content: string): string => {
    const from = join(store, name);
    writeFileSync(from, content);
    utimesSync(from, 1, 1);
    return revisionOf([{ from, to: "bin/program", large: true }], [], `${store}/`);
  };
  expect(revisionAt("one", "a")).toBe(revisionAt("one", "b"));
  expect(revisionAt("one", "a")).not.toBe(revisionAt("two", "a"));
});
