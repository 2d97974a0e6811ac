import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");
const section =
  /## What an agent can make grow\n(.*?)\n## /s.exec(readFileSync(join(ROOT, "docs/security.md"), "utf8"))?.[1] ?? "";
const rows = section.split("\n").filter((line) => line.startsWith("| ") && !/^\| (?:on disk|in memory|---) /.test(line));

test.each(rows.map((row) => row.split("|").map((cell) => cell.trim())))("%s%s: %s", (_, what, bound, tests = "") => {
  expect([what, bound].every((cell) => cell !== undefined && cell.length > 0)).toBe(true);
  const named = tests.split("; `").map((one) => /^`?([^`]+)`: (.+)$/.exec(one));
  expect(named.length).toBeGreaterThan(0);
  for (const one of named) {
    const [, file = "", name = ""] = one ?? [];
    expect(readFileSync(join(ROOT, file), "utf8"), `${file} has no test "${name}"`).toMatch(
      new RegExp(`(?:test(?:\\.each\\([^)]*\\))?|\\]\\))\\(\\s*"[^"\\n]*${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`),
    );
  }
});

test("the list is not empty", () => {
  expect(rows.length).toBeGreaterThan(12);
});
