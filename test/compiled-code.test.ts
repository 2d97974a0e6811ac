import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanEnv } from "./lib/hive.ts";

/** The built programs start with the compiled code that the build stored beside them (docs/adr/0069). */

const DIST = join(import.meta.dirname, "../dist");

/** Prints a program's help, and on standard error whether V8 refused the stored code of each of its files. */
const LOOK = `
import { loadProgram } from ${JSON.stringify(join(import.meta.dirname, "../src/starter/load.ts"))};
const scripts = new Map();
process.on("exit", () =>
  console.error(JSON.stringify([...scripts].map(([file, script]) => [file, script.cachedDataRejected ?? "no code"]))),
);
process.argv.push("--help");
loadProgram(process.argv[1], (file, script) => scripts.set(file, script));
`;

test.each([
  ["hive-c0re.cjs", "hive-c0re"],
  ["hive-w4rden.cjs", "hive-w4rden"],
  ["hivectl.cjs", "hivectl"],
  ["harness/hive-ag3nt.cjs", "bin/hive-ag3nt"],
])("%s and its parts start with their compiled code", (program, starter) => {
  // V8 takes code only with the flags that it was made with.
  const flags = readFileSync(join(DIST, starter), "utf8").match(/--(?:max|disable)[^' ]+/g) ?? [];
  const argv = [...flags, "--input-type=module", "--eval", LOOK, join(DIST, program)];
  const { stderr } = spawnSync(process.execPath, argv, { env: cleanEnv(), encoding: "utf8" });
  const files = JSON.parse(stderr) as [string, boolean | "no code"][];
  expect(files.length).toBeGreaterThan(0);
  expect(files.filter(([, refused]) => refused !== false)).toEqual([]);
});
