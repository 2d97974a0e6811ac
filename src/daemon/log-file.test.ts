import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lastLines, linesAfter } from "./log-file.ts";

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
  file = join(folder, "cage.log");
});
afterEach(() => rmSync(folder, { recursive: true }));

test("a reader gets the last lines, then each new line once", async () => {
  expect(await lastLines(file, 10)).toEqual({ lines: [], position: 0 });
  writeFileSync(file, "one\ntwo\nthree\n");
  const first = await lastLines(file, 2);
  expect(first).toEqual({ lines: ["two", "three"], position: 14 });
  const waiting = linesAfter(file, first.position);
  appendFileSync(file, "four\nfi");
  const second = await waiting;
  expect(second.lines).toEqual(["four"]);
  // An incomplete line is not delivered.
  appendFileSync(file, "ve\n");
  expect((await linesAfter(file, second.position)).lines).toEqual(["five"]);
});

test("a log that was replaced is read from its beginning", async () => {
  writeFileSync(file, "a long first log\n");
  const { position } = await lastLines(file, 10);
  writeFileSync(file, "new\n");
  expect(await linesAfter(file, position)).toEqual({ lines: ["new"], position: 4 });
});

test("when a full log is replaced, a reader gets the rest of the full one, then the new one, each line once", async () => {
  writeFileSync(file, "one\ntwo\n");
  const { position } = await lastLines(file, 10);
  appendFileSync(file, "three\n");
  renameSync(file, `${file}.1`);
  writeFileSync(file, "four\n");
  expect(await linesAfter(file, position)).toEqual({ lines: ["three", "four"], position: 5 });
  expect((await lastLines(file, 10)).lines).toEqual(["one", "two", "three", "four"]);
  expect((await lastLines(file, 2)).lines).toEqual(["three", "four"]);
});

test("at most half a mebibyte of a log is read at once", async () => {
  writeFileSync(file, "flood\n".repeat(500_000));
  const { lines } = await lastLines(file, 1_000_000);
  expect(lines.join("\n").length).toBeLessThanOrEqual(512 * 1024);
});
