import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { boundedFile } from "./log.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the daemon's log keeps the newest lines in order in two files, across restarts", () => {
  const file = join(folder, "daemon.log");
  let line = 0;
  for (let start = 0; start < 3; start++) {
    const log = boundedFile(file, 1000);
    for (let n = 0; n < 500; n++) log.write(`line ${line++}\n`);
  }
  expect(readdirSync(folder).sort()).toEqual(["daemon.log", "daemon.log.1"]);
  for (const one of [file, `${file}.1`]) expect(statSync(one).mode & 0o777).toBe(0o600);
  const kept = readFileSync(`${file}.1`, "utf8") + readFileSync(file, "utf8");
  expect(kept.length).toBeLessThanOrEqual(2000);
  const lines = kept.trim().split("\n");
  expect(lines).toEqual(lines.map((_, index) => `line ${1500 - lines.length + index}`));
  expect(lines.length).toBeGreaterThan(90);
});
