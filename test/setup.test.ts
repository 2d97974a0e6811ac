import { spawn } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

/** Set-up on machines of every kind: programs that only note how they were called stand on an otherwise empty path. */

const ROOT = join(import.meta.dirname, "..");
let folder: string;
let checkout: string;
let bin: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "setup-"));
  checkout = join(folder, "hyperhive");
  bin = join(folder, "bin");
  mkdirSync(bin);
  mkdirSync(checkout);
  cpSync(join(ROOT, "scripts"), join(checkout, "scripts"), { recursive: true });
  cpSync(join(ROOT, "package-lock.json"), join(checkout, "package-lock.json"));
  for (const program of ["env", "mkdir", "true"]) symlinkSync(`/usr/bin/${program}`, join(bin, program));
  for (const program of ["git", "unshare"]) has(program);
  // npm as it is where a prebuilt file can be had.
  has(
    "npm",
    'if [ "$1" = rebuild ]; then mkdir -p node_modules/better-sqlite3; echo "module.exports = class { close() {} }" > node_modules/better-sqlite3/index.js; fi',
  );
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Puts a program on the path that notes its arguments, then does this. */
function has(program: string, then = ""): void {
  const file = join(bin, program);
  writeFileSync(file, `#!/bin/sh\nif [ -n "$NOTE" ]; then echo "${program} $*" >> "$NOTE"; fi\n${then}\n`);
  chmodSync(file, 0o755);
}
/** A sudo that carries out what it is given, or asks for a password. */
function hasSudo({ asks }: { asks: boolean }): void {
  has("sudo", asks ? "exit 1" : '[ "$1" = -n ] && shift; exec "$@"');
}

interface Outcome {
  code: number | null;
  said: string;
  ran: string[];
}
function setUp({ uid = 0, env = {} }: { uid?: number; env?: Record<string, string> } = {}): Promise<Outcome> {
  const note = join(folder, "note");
  rmSync(note, { force: true });
  const script = `
    process.getuid = () => ${uid};
    const { runScript, setUp } = await import(${JSON.stringify(join(checkout, "scripts/setup.mjs"))});
    await runScript(async () => console.log((await setUp()) ? "READY" : "PRINTED"));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    env: { PATH: bin, NOTE: note, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve) =>
    child.on("close", (code) =>
      resolve({ code, said, ran: existsSync(note) ? readFileSync(note, "utf8").trim().split("\n") : [] }),
    ),
  );
}
const installs = (ran: string[]): string[] => ran.filter((line) => /^(?:apt-get|dnf|apk|pacman|zypper) /.test(line));

describe("on Debian", () => {
  beforeEach(() => has("apt-get"));

  test("root gets the packages that are missing, named before they are installed, and nothing is done twice", async () => {
    const first = await setUp();
    expect(first).toMatchObject({ code: 0, said: expect.stringContaining("READY") as string });
    expect(first.said.indexOf("bubblewrap, util-linux")).toBeGreaterThanOrEqual(0);
    expect(installs(first.ran)).toEqual([
      "apt-get update -q",
      "apt-get install -y -q --no-install-recommends bubblewrap util-linux",
    ]);
    expect(first.ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
    for (const program of ["bwrap", "setpriv"]) has(program);
    expect((await setUp()).ran).toEqual([]);
    // Another lock file, another installation.
    writeFileSync(join(checkout, "package-lock.json"), "{}");
    expect((await setUp()).ran).toContain("npm ci --ignore-scripts --no-audit --no-fund");
  });

  test("so does a user whose sudo asks for no password", async () => {
    hasSudo({ asks: false });
    const { code, ran } = await setUp({ uid: 1000 });
    expect(code).toBe(0);
    expect(installs(ran)).toHaveLength(2);
    expect(ran).toContain(
      "sudo -n env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends bubblewrap util-linux",
    );
  });

  test.each([
    ["sudo would ask", true],
    ["there is no sudo", false],
  ])("where %s it stops with the one command to run, and has done nothing", async (_, present) => {
    if (present) hasSudo({ asks: true });
    has("setpriv");
    const { code, said, ran } = await setUp({ uid: 1000 });
    expect(code).toBe(1);
    expect(said).toContain("\n    sudo apt-get install -y --no-install-recommends bubblewrap\n");
    expect(said).not.toMatch(/\bat .*setup\.mjs/);
    expect(ran.filter((line) => !line.startsWith("sudo -n true"))).toEqual([]);
  });

  test("a compiler is installed only where no prebuilt file can be had", async () => {
    for (const program of ["bwrap", "setpriv"]) has(program);
    has(
      "npm",
      `if [ "$1" = rebuild ]; then
         [ -e ${folder}/g++ ] || exit 1
         mkdir -p node_modules/better-sqlite3; echo "module.exports = class { close() {} }" > node_modules/better-sqlite3/index.js
       fi`,
    );
    has("apt-get", `if [ "$1" = install ]; then echo > ${folder}/g++; fi`);
    const { code, said, ran } = await setUp();
    expect(code, said).toBe(0);
    expect(installs(ran)).toEqual(["apt-get update -q", "apt-get install -y -q --no-install-recommends build-essential python3"]);
    expect(ran.filter((line) => line === "npm rebuild better-sqlite3")).toHaveLength(2);
  });

  test("a build that ends the process when its objects are collected is replaced by one from its sources", async () => {
    for (const program of ["bwrap", "setpriv"]) has(program);
    // A prebuilt file of the headers of Node 24.19; one that is compiled here heeds the flags.
    has(
      "npm",
      `if [ "$1" = rebuild ]; then
         mkdir -p node_modules/better-sqlite3/build/Release
         echo "module.exports = class { close() {} }" > node_modules/better-sqlite3/index.js
         echo "$CXXFLAGS, \${CPLUS_INCLUDE_PATH##*/}, $npm_config_build_from_source" >> ${folder}/flags
         if [ -z "$npm_config_build_from_source" ]; then echo _ZN4node28RemoveEnvironmentCleanupHookE; fi > node_modules/better-sqlite3/build/Release/better_sqlite3.node
       fi`,
    );
    const { code, said } = await setUp();
    expect(code, said).toBe(0);
    expect(readFileSync(join(folder, "flags"), "utf8").split("\n")).toEqual([
      "-include no-wrap-hooks.h, native, ",
      "-include no-wrap-hooks.h, native, true",
      "",
    ]);
  });

  test("HIVE_SETUP=print says what would be done, and does nothing", async () => {
    const { code, said, ran } = await setUp({ env: { HIVE_SETUP: "print" } });
    expect(code).toBe(0);
    expect(ran).toEqual([]);
    expect(said.trim().split("\n")).toEqual([
      "sudo apt-get install -y --no-install-recommends bubblewrap util-linux",
      "npm ci --ignore-scripts",
      expect.stringMatching(/^npm rebuild better-sqlite3 .*build-essential, python3/) as string,
      "npm run build",
      "node dist/hive-c0re.js serve --foreground",
      "PRINTED",
    ]);
    expect(existsSync(join(checkout, "node_modules"))).toBe(false);
  });
});

test.each([
  ["dnf", "sudo dnf install -y bubblewrap util-linux"],
  ["pacman", "sudo pacman -S --noconfirm --needed bubblewrap util-linux"],
  ["zypper", "sudo zypper --non-interactive install bubblewrap util-linux"],
  ["apk", "sudo apk add bubblewrap setpriv"],
])("with %s even root gets the one command: only apt is used unasked", async (manager, command) => {
  has(manager);
  const { code, said, ran } = await setUp();
  expect({ code, ran }).toEqual({ code: 1, ran: [] });
  expect(said).toContain(`\n    ${command}\n`);
});

test("without any package manager the programs are named", async () => {
  const { code, said } = await setUp();
  expect(code).toBe(1);
  expect(said).toContain("please install bwrap, setpriv");
});

test.each([["20.18.3", "hyperhive needs Node 20.19 or newer; this is 20.18.3"]])(
  "a Node of a version that does not do (%s) is told which one does",
  async (version, words) => {
    const script = `
    Object.defineProperty(process.versions, "node", { value: "${version}" });
    const { runScript, setUp } = await import(${JSON.stringify(join(checkout, "scripts/setup.mjs"))});
    await runScript(setUp);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { PATH: bin },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect({ code, said: said.trim() }).toEqual({ code: 1, said: words });
  },
);
