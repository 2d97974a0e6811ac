import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cleanEnv } from "../lib/hive.ts";

/** What a daemon that was taken over has of the terminal in which root has started the hive. */

const ROOT = join(import.meta.dirname, "../..");
const isRoot = process.getuid?.() === 0;
const USER = `hive-y${process.pid}`;
/** In place of the daemon: it tells what it holds, and tries to get a terminal. */
const DAEMON = String.raw`
import { openSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
const link = (fd) => { try { return readlinkSync("/proc/self/fd/" + fd); } catch { return ""; } };
const open = (path) => { try { openSync(path, "r+"); return "opened"; } catch (error) { return error.code; } };
const [, , , , terminal] = readFileSync("/proc/self/stat", "utf8").split(") ")[1].split(" ");
const files = readdirSync("/proc/self/fd").map(link).filter((path) => /^\/dev\/(pts|tty)/.test(path));
if (process.argv[2] === "hive-id") console.log("0badcafe");
else console.log("told " + JSON.stringify({ files, terminal, own: open("/dev/tty") }) + "\n\x1b[2Jsteered");
`;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "w4rden-terminal-"));
  chmodSync(folder, 0o755);
  mkdirSync(join(folder, "dist"));
  for (const name of ["hive-w4rden", "hive-w4rden.js", "hive-w4rden.cjs"])
    cpSync(join(ROOT, "dist", name), join(folder, "dist", name), { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "dist/hive-c0re.js"), DAEMON);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (isRoot) execFileSync("userdel", [USER]);
});

test("root's terminal is none of the daemon's, and what the daemon prints does not steer it", () => {
  if (!isRoot) return;
  const helper = `dist/hive-w4rden start --user ${USER} --etc ${folder}/etc --state ${folder}/state -- serve`;
  const options = { cwd: folder, env: cleanEnv({ HOME: folder }), encoding: "utf8" } as const;
  // `script` runs a command in a new terminal, and prints what appears there.
  const shown = execFileSync("script", ["-qefc", `exec ${helper}`, "/dev/null"], options);
  const told = JSON.parse(/told (.*)/.exec(shown)?.[1] ?? "{}") as object;
  expect(told).toEqual({ files: [], terminal: "0", own: "ENXIO" });
  expect(shown).toContain("␛[2Jsteered");
  expect(shown).not.toContain("\u001B");
});
