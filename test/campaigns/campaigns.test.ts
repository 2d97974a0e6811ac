import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cleanEnv } from "../lib/hive.ts";

/** Short forms of the campaigns. The long forms are commands: docs/reliability.md. */

/** The exit code of a script on a machine that cannot run it. It prints the reason. */
const CANNOT = 77;

function campaign(script: string, ...argv: string[]): { counts: Record<string, unknown>; status: number | null } | undefined {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join("scripts", script), ...argv], {
    cwd: join(import.meta.dirname, "../.."),
    env: cleanEnv(),
    encoding: "utf8",
  });
  if (status === CANNOT) {
    expect(stdout).toMatch(/^cannot: /);
    // Set-up for tests installs the programs. Only root, or a kernel that mounts images, may be missing.
    expect(stdout).not.toContain("is not installed");
    return undefined;
  }
  const last = stdout.trim().split("\n").at(-1) ?? "";
  expect(last, `${stdout}${stderr}`).toMatch(/^\{.*\}$/);
  return { counts: JSON.parse(last) as Record<string, unknown>, status };
}

test("power cuts lose nothing that was acknowledged", () => {
  const run = campaign("powercut.mjs", "--cuts", "2", "--fs", "ext4", "--workload", "messages");
  if (!run) return;
  expect(run.counts).toMatchObject({ cuts: 2, lost: 0, unclean: 0 });
  expect(run.counts["acknowledged"]).toBeGreaterThan(0);
  expect(run.status).toBe(0);
});

test("power cuts during deploys lose nothing that was reported as deployed, and the checker finds nothing", () => {
  const run = campaign("powercut.mjs", "--cuts", "1", "--workload", "deploys", "--most", "12");
  if (!run) return;
  expect(run.counts).toMatchObject({ cuts: 1, lost: 0, unclean: 0 });
  expect(run.counts["acknowledged"]).toBeGreaterThan(0);
  expect(run.status).toBe(0);
});

test("power cuts during pushes and merges lose none that was acknowledged, and the checker finds nothing", () => {
  const run = campaign("powercut.mjs", "--cuts", "1", "--workload", "changes");
  if (!run) return;
  expect(run.counts).toMatchObject({ cuts: 1, lost: 0, unclean: 0 });
  expect(run.counts["acknowledged"]).toBeGreaterThan(0);
  expect(run.status).toBe(0);
});

test("power cuts during pushes to a host leave the host and the hive with the same merges, each once", () => {
  const run = campaign("powercut.mjs", "--cuts", "1", "--workload", "upstream", "--most", "12");
  if (!run) return;
  expect(run.counts).toMatchObject({ cuts: 1, lost: 0, unclean: 0 });
  expect(run.counts["acknowledged"]).toBeGreaterThan(0);
  expect(run.status).toBe(0);
});

test("a store whose commits do not wait for the disk loses data, and the cuts detect it", () => {
  const run = campaign("powercut.mjs", "--cuts", "1", "--fs", "ext4", "--workload", "messages", "--control", "normal");
  if (!run) return;
  expect(run.counts["lost"]).toBeGreaterThan(0);
  expect(run.status).toBe(1);
});

test("a failed fsync at any point of a life ends the process, and nothing acknowledged is lost", () => {
  const run = campaign("faults.mjs", "--calls", "fdatasync,fsync", "--points", "2", "--faults", "EIO");
  if (!run) return;
  expect(run.counts).toMatchObject({ lost: 0, unclean: 0, went_on_after_fsync: 0 });
  expect(run.counts["injected"]).toBe(run.counts["runs"]);
  expect(run.status).toBe(0);
});
