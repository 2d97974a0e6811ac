import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseEnd } from "../../wire/container-end.ts";
import { endScript, parseUnit, unitSettings } from "./unit.ts";

test("a container is limited with what its own system needs added, and the service manager never restarts it", () => {
  const text = unitSettings({ memoryBytes: 2 ** 30, cpuPercent: 150, pids: 100 }, "/run/hive-cages/h0/end");
  const lines = text.split("\n");
  for (const line of [
    `MemoryMax=${2 ** 30 + 64 * 2 ** 20}`,
    "MemorySwapMax=0",
    "TasksMax=116",
    "CPUQuota=150%",
    "Restart=no",
    "RestartForceExitStatus=",
    "SuccessExitStatus=",
    "ExecStopPost=/bin/sh /run/hive-cages/h0/end",
  ])
    expect(lines).toContain(line);
});

describe("the end of a container", () => {
  test.each([
    ["exited 7 exit-code 0\n", { code: 7, isOverMemory: false }],
    ["exited 0 success 0\n", { code: 0, isOverMemory: false }],
    ["killed KILL signal 0\n", { code: null, signal: "SIGKILL", isOverMemory: false }],
    ["dumped SEGV core-dump 0\n", { code: null, signal: "SIGSEGV", isOverMemory: false }],
    ["killed KILL oom-kill 1\n", { code: null, signal: "SIGKILL", isOverMemory: true }],
    ["exited 137 exit-code 2\n", { code: 137, isOverMemory: true }],
    ["none 0 resources 0\n", { code: null, isOverMemory: false }],
  ])("%j", (text, end) => expect(parseEnd(text)).toEqual(end));

  test.each(["", "exited", "exited 7 exit-code 0", "exited 7 exit-code 0\nmore\n", "{}\n", "exited -1 x 0\n"])(
    "%j is none",
    (text) => expect(parseEnd(text)).toBeUndefined(),
  );

  test("is written whole by the script that the service manager runs", () => {
    const folder = mkdtempSync(join(tmpdir(), "end-"));
    try {
      mkdirSync(join(folder, "binds"));
      // No service manager answers here, and nothing is bound.
      writeFileSync(join(folder, "end"), endScript(folder, "h0", join(folder, "root")));
      const env = { EXIT_CODE: "exited", EXIT_STATUS: "7", SERVICE_RESULT: "exit-code" };
      execFileSync("/bin/sh", [join(folder, "end")], { env, stdio: "ignore" });
      expect(parseEnd(readFileSync(join(folder, "status"), "utf8"))).toEqual({ code: 7, isOverMemory: false });
      expect(existsSync(join(folder, "status.new"))).toBe(false);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

test.each([
  ["MainPID=157\nActiveState=active\n", { isActive: true, mainPid: 157 }],
  ["ActiveState=activating\nMainPID=0\n", { isActive: true, mainPid: undefined }],
  ["MainPID=0\nActiveState=deactivating\n", { isActive: true, mainPid: undefined }],
  ["MainPID=0\nActiveState=failed\n", { isActive: false, mainPid: undefined }],
  ["MainPID=0\nActiveState=inactive\n", { isActive: false, mainPid: undefined }],
  ["", { isActive: false, mainPid: undefined }],
  ["MainPID=-4\nActiveState=\n", { isActive: false, mainPid: undefined }],
])("the state of a unit: %j", (text, state) => expect(parseUnit(text)).toEqual(state));
