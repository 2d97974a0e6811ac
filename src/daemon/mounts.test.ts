import { chmodSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openDriver } from "../containers/drivers.ts";
import { Paths } from "../hive/paths.ts";
import { tryMounts } from "./mounts.ts";

/** Mounts are tried in real throw-away cages that run as an agent does on this host. */

let folder: string;
let paths: Paths;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "mounts-")));
  paths = new Paths(join(folder, "state"), join(folder, "run"));
  paths.prepare();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const identity = openDriver("bwrap").identityFor("mounts", 7);
function made(name: string, mode: number): string {
  const path = join(folder, name);
  mkdirSync(path);
  chmodSync(path, mode);
  return path;
}
async function problem(host: string, mode: "ro" | "rw"): Promise<string | undefined> {
  const [trial] = await tryMounts([{ host, cage: "/data", mode }], identity, paths);
  return trial?.problem;
}

test("a folder that all may read and write works, and nothing is left in it", async () => {
  const open = made("open", 0o777);
  expect(await problem(open, "rw")).toBeUndefined();
  expect(await problem(open, "ro")).toBeUndefined();
  expect(readdirSync(open)).toEqual([]);
});

test("rw where the agent cannot write is refused, ro is not", async () => {
  const readOnly = made("read-only", 0o555);
  expect(await problem(readOnly, "rw")).toMatch(/^mounts: .*read-only cannot be written by the agent \(.*\): use "ro"/);
  expect(await problem(readOnly, "ro")).toBeUndefined();
});

test("a folder that the agent cannot read is refused in both modes", async () => {
  const closed = made("closed", 0o000);
  expect(await problem(closed, "ro")).toMatch(/closed cannot be read by the agent/);
  expect(await problem(closed, "rw")).toMatch(/closed cannot be read by the agent/);
});

test("what is no folder of its own is refused: nothing, a file, a link, the hive's own files", async () => {
  const real = made("real", 0o777);
  symlinkSync(real, join(folder, "link"));
  writeFileSync(join(folder, "file"), "");
  expect(await problem(join(folder, "none"), "ro")).toMatch(/none does not exist on this host$/);
  expect(await problem(join(folder, "file"), "ro")).toMatch(/file is not a folder$/);
  expect(await problem(join(folder, "link"), "rw")).toBe(
    `mounts: ${join(folder, "link")} goes through a symbolic link; use ${real}`,
  );
  expect(await problem(paths.state, "ro")).toMatch(/holds the hive's own files/);
  expect(await problem("/", "ro")).toMatch(/holds the hive's own files/);
});
