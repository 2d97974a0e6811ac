import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkClaude, judgeClaude } from "./claude-version.ts";

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "claude-version-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const PATH = "/usr/local/bin:/usr/bin:/bin";

test.each([
  ["2.1.330 (Claude Code)", "ok"],
  ["2.1.331", "ok"],
  ["2.10.0", "ok"],
  ["3.0.0", "ok"],
  ["2.1.329", "error"],
  ["2.0.999", "error"],
  ["1.9.999", "error"],
  ["hello", "error"],
  [undefined, "error"],
])("a CLI that prints %s is %s for an SDK of 2.1.330", (output, level) => {
  expect(judgeClaude("/opt/claude", output, "2.1.330")).toMatchObject({ level });
});

test("the bundled CLI passes, and an old, a failing or a missing CLI is reported", async () => {
  expect(await checkClaude(undefined, PATH, folder)).toMatchObject({ level: "ok" });
  const program = join(folder, "claude");
  const writeProgram = (script: string): void => {
    writeFileSync(program, `#!/bin/sh\n${script}\n`);
    chmodSync(program, 0o755);
  };
  writeProgram("echo '0.2.9 (Claude Code)'");
  expect(await checkClaude(program, PATH, folder)).toMatchObject({
    level: "error",
    what: expect.stringContaining(`Claude Code 0.2.9 (${program}) is older than`) as string,
    mend: expect.stringContaining("HIVE_CLAUDE_PATH") as string,
  });
  writeProgram("echo 9.9.9; exit 1");
  expect(await checkClaude(program, PATH, folder)).toMatchObject({ level: "error" });
  expect(await checkClaude(join(folder, "none"), PATH, folder)).toMatchObject({
    level: "error",
    what: expect.stringContaining("there is no file") as string,
  });
});
