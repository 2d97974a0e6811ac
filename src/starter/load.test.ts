import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Script } from "node:vm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { CACHE_SUFFIX, cacheOf, loadProgram } from "./load.ts";

const MAIN = 'module.exports = { told: require("./part.cjs").told + 1, at: __dirname, path: require("node:path").sep };\n';
const PART = "exports.told = 41;\n";

let folder: string;
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starter-"));
  writeFileSync(at("main.cjs"), MAIN);
  writeFileSync(at("part.cjs"), PART);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the program. Returns what it exports, and for each of its files whether V8 took stored code: undefined is none. */
function run(): { exports: unknown; scripts: Map<string, Script>; took: Record<string, boolean | undefined> } {
  const scripts = new Map<string, Script>();
  const load = loadProgram(at("main.cjs"), (file, script) => scripts.set(file, script));
  const took = (name: string): boolean | undefined => {
    const rejected = scripts.get(at(name))?.cachedDataRejected;
    return rejected === undefined ? undefined : !rejected;
  };
  return { exports: load(at("main.cjs")), scripts, took: { main: took("main.cjs"), part: took("part.cjs") } };
}

function store(scripts: Map<string, Script>): void {
  for (const [file, script] of scripts) writeFileSync(file + CACHE_SUFFIX, cacheOf(file, script));
}

test("a program without compiled code runs, and leaves no file", () => {
  const { exports, took } = run();
  expect(exports).toEqual({ told: 42, at: folder, path: "/" });
  expect(took).toEqual({ main: undefined, part: undefined });
  expect(() => readFileSync(at("main.cjs.cache"))).toThrow("ENOENT");
});

test("it takes the code that is stored beside it and beside its parts", () => {
  store(run().scripts);
  const { exports, took } = run();
  expect(exports).toMatchObject({ told: 42 });
  expect(took).toEqual({ main: true, part: true });
});

test("code of another script of the same length is not taken: what runs is what is written", () => {
  store(run().scripts);
  writeFileSync(at("part.cjs"), PART.replace("41", "11"));
  const { exports, took } = run();
  expect(exports).toMatchObject({ told: 12 });
  expect(took).toEqual({ main: true, part: undefined });
});

test.each([
  ["is damaged", (code: Buffer) => code.fill(7, code.length - 9)],
  ["is cut off", (code: Buffer) => code.subarray(0, code.length / 2)],
  ["has no code", (code: Buffer) => code.subarray(0, 8)],
  ["is empty", () => Buffer.alloc(0)],
])("code that %s is not taken", (_, damage) => {
  store(run().scripts);
  const file = at("part.cjs") + CACHE_SUFFIX;
  writeFileSync(file, damage(readFileSync(file)));
  const { exports, took } = run();
  expect(exports).toMatchObject({ told: 42 });
  expect(took).toEqual({ main: true, part: undefined });
});

test("a part that could not be loaded is loaded again when it is asked for again", () => {
  const load = loadProgram(at("main.cjs"));
  const late = at("late.cjs");
  expect(() => load(late)).toThrow("ENOENT");
  writeFileSync(late, 'exports.told = require("./missing.cjs");\n');
  expect(() => load(late)).toThrow("ENOENT");
  writeFileSync(at("missing.cjs"), "exports.told = 1;\n");
  expect(load(late)).toEqual({ told: { told: 1 } });
});
