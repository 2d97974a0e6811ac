import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, mkdirSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { TestHive, cleanEnv } from "../lib/hive.ts";

/** `hive-c0re doctor`: its findings on this host, and on a host where something is missing. */

const DAEMON = join(import.meta.dirname, "../../dist/hive-c0re.js");
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "doctor-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Finding {
  level: string;
  what: string;
  mend: string;
}
function doctor(argv: string[], env: Record<string, string> = {}): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [DAEMON, "doctor", ...argv], {
    env: cleanEnv({ HOME: folder, HIVE_STATE_DIR: join(folder, "s"), ...env }),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, out })));
}

test("on a capable host it builds a cage, says how limits are enforced, leaves nothing, and ends with 0", async () => {
  const { code, out } = await doctor(["--json"]);
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  expect({ code, ok }).toEqual({ code: 0, ok: true });
  expect(findings.map(({ what }) => what)).toContain("a cage can be built");
  const isRoot = process.getuid?.() === 0;
  expect(findings.some(({ what }) => what === "root can start the daemon as a user of its own")).toBe(isRoot);
  expect(findings.some(({ what }) => /^limits are enforced by|limits cannot be enforced/.test(what))).toBe(true);
  expect(
    findings.some(({ what }) => /id maps of rw mounts (?:work|do not work).*util-linux|no id maps are needed/.test(what)),
  ).toBe(true);
  for (const { level, what, mend } of findings) expect(level === "ok" || mend !== "", what).toBe(true);
  expect(readdirSync(join(folder, "s"))).toEqual([]);
  const forPeople = await doctor([]);
  expect(forPeople.out).toMatch(/^✓ Node \d/);
});

test("if a program is missing it names the command that installs it, builds nothing, and ends with 1", async () => {
  const bin = join(folder, "bin");
  mkdirSync(bin);
  for (const program of ["git", "unshare", "setpriv", "mount"]) {
    const found = ["/usr/bin", "/bin"].map((at) => join(at, program)).find(existsSync);
    if (found) symlinkSync(found, join(bin, program));
  }
  chmodSync(bin, 0o755);
  const { code, out } = await doctor(["--json"], { PATH: bin });
  const { ok, findings } = JSON.parse(out) as { ok: boolean; findings: Finding[] };
  expect({ code, ok }).toEqual({ code: 1, ok: false });
  expect(findings.find(({ what }) => what === "bwrap is not installed")).toMatchObject({
    level: "error",
    mend: expect.stringContaining("apt-get install bubblewrap") as string,
  });
  expect(findings.map(({ what }) => what)).not.toContain("a cage can be built");
});

test("where no state folder can be made it says so beside everything else, builds nothing, and ends with 1", async () => {
  const { code, out } = await doctor(["--json"], { HIVE_STATE_DIR: "/proc/hive" });
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  expect(code).toBe(1);
  expect(findings.map(({ what }) => what)).not.toContain("a cage can be built");
  expect(findings.filter(({ level }) => level === "error")).toEqual([
    {
      level: "error",
      what: "the state folder cannot be made",
      mend: "no folder can be made at /proc/hive: no such file or directory. Set HIVE_STATE_DIR to another one",
    },
  ]);
});

test("for containers it says what this host lacks, and a hive that is started says the same", async () => {
  const env = { HIVE_DRIVER: "nixos-container", HIVE_FLAKE: folder };
  const { code, out } = await doctor(["--json"], env);
  const { findings } = JSON.parse(out) as { findings: Finding[] };
  if (existsSync("/etc/NIXOS")) return;
  expect(code).toBe(1);
  expect(findings).toContainEqual({
    level: "error",
    what: "this host is not NixOS",
    mend: "use HIVE_DRIVER=bwrap, which runs on every Linux",
  });
  const hive = new TestHive(env);
  onTestFinished(() => rmSync(hive.folder, { recursive: true, force: true }));
  await expect(hive.start()).rejects.toThrow("this host is not NixOS: use HIVE_DRIVER=bwrap");
});
