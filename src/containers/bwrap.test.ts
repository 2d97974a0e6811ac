import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bwrapDriver } from "./bwrap.ts";
import { conformance } from "./conformance.ts";
import type { CageSpec } from "./driver.ts";

conformance("bwrap", () => bwrapDriver());
conformance("bwrap where no cgroup can be used", () => bwrapDriver({ limits: { kind: "prlimit", why: "no cgroup" } }));

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "bwrap-")));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function spec(change: Partial<CageSpec> = {}): CageSpec {
  const folder = (name: string): string => {
    mkdirSync(join(root, name), { recursive: true });
    return join(root, name);
  };
  const hiveId = "b0b0b0b0";
  return {
    hiveId,
    agentId: `t${process.pid}`,
    name: "tester",
    role: "agent",
    generation: 1,
    revision: "none",
    runtimeDir: folder("runtime"),
    socketsDir: folder("sockets"),
    claudeDir: folder("claude"),
    stateDir: folder("state"),
    configDir: folder("config"),
    cageDir: folder("cage"),
    extraBinds: [],
    logFile: join(root, "cage.log"),
    env: { PATH: "/usr/bin:/bin" },
    argv: ["/bin/sh", "-c", "sleep 1000"],
    limits: { memoryBytes: 256 * 1024 * 1024, cpuPercent: 100, pids: 32 },
    identity: bwrapDriver().identityFor(hiveId, 1),
    ...change,
  };
}

test.each(["killed", "adopted and killed", "found dead"])(
  "a bubblewrap that was stopped still collects its child when its cage is %s: no zombie is left",
  async (how) => {
    const one = spec();
    const driver = bwrapDriver();
    await driver.prepare(one);
    const cage = await driver.start(one);
    const { outer } = JSON.parse(readFileSync(join(one.cageDir, "cage.json"), "utf8")) as { outer: { pid: number } };
    process.kill(outer.pid, "SIGSTOP");
    if (how === "killed") await cage.kill();
    else {
      if (how === "found dead") process.kill(cage.init.pid, "SIGKILL");
      await (await bwrapDriver().adopt(one))?.kill();
    }
    await cage.exited;
    // Not even as a zombie: a process that nobody collects keeps its number and its user.
    expect(() => readFileSync(`/proc/${cage.init.pid}/stat`)).toThrow(/ENOENT|ESRCH/);
  },
);
