import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { V1_CONTROLLERS } from "./cgroups.ts";
import { delegate } from "./delegate.ts";

/** The files and owners of delegated groups, in a folder with the files of the kernel, and in the kernel's own. */

/** Only root may give files away. */
const OWNER =
  process.getuid?.() === 0 ? { uid: 4242, gid: 4343 } : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const NAME = "hyperhive-0a1b";
const PID = 4711;

let root: string;
let manager: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "cgroup-"));
  manager = join(root, "systemd");
});
afterEach(() => rmSync(root, { recursive: true }));

const read = (...path: string[]): string => readFileSync(join(root, ...path), "utf8");
const put = (...path: string[]): void => {
  mkdirSync(join(root, ...path, ".."), { recursive: true });
  writeFileSync(join(root, ...path), "");
};
/** What the kernel makes in a group. */
const putGroup = (...path: string[]): void => {
  for (const name of ["cgroup.procs", "cgroup.threads", "cgroup.subtree_control"]) put(...path, name);
  writeFileSync(join(root, ...path, "cgroup.controllers"), "cpuset cpu io memory pids\n");
};

describe("with the unified hierarchy", () => {
  beforeEach(() => {
    putGroup();
  });

  test("the daemon's user owns a group and what it needs to make groups in it; limits of the group stay root's", () => {
    putGroup(NAME);
    put(NAME, "memory.max");
    const delegated = delegate(NAME, OWNER, { root, manager });
    expect(delegated?.inside).toEqual([]);
    expect(read("cgroup.subtree_control")).toBe("+memory +pids +cpu");
    for (const path of ["", "cgroup.procs", "cgroup.threads"])
      expect(statSync(join(root, NAME, path)), path).toMatchObject(OWNER);
    for (const path of ["memory.max", "cgroup.subtree_control"])
      expect(statSync(join(root, NAME, path)).uid, path).toBe(process.getuid?.());
    delegated?.join(PID);
    expect([read(NAME, "daemon", "cgroup.procs"), read(NAME, "cgroup.subtree_control")]).toEqual([
      String(PID),
      "+memory +pids +cpu",
    ]);
  });

  test("under systemd the group is a scope that systemd makes, and that is used again while cages of an earlier daemon are in it", () => {
    put("systemd");
    const scope = join("hyperhive.slice", `${NAME}.scope`);
    const first = delegate(NAME, OWNER, { root, manager });
    const [shell, ...rest] = first?.inside ?? [];
    expect([shell, rest[0], ...rest.slice(2)]).toEqual([
      "/bin/sh",
      "-c",
      `${NAME}.scope`,
      "--scope",
      "--collect",
      "--quiet",
      "--slice=hyperhive.slice",
      "--property",
      "Delegate=yes",
      "--",
    ]);
    // Systemd's own groups are left to it.
    expect([existsSync(join(root, scope)), read("cgroup.subtree_control")]).toEqual([false, ""]);
    putGroup(scope);
    first?.join(PID);
    expect(statSync(join(root, scope))).toMatchObject(OWNER);
    expect([read(scope, "daemon", "cgroup.procs"), read(scope, "cgroup.subtree_control")]).toEqual([
      String(PID),
      "+memory +pids +cpu",
    ]);
    writeFileSync(join(root, scope, "cgroup.events"), "populated 1\nfrozen 0\n");
    expect(delegate(NAME, OWNER, { root, manager })?.inside).toEqual([]);
    // Without processes it is systemd's to remove: a new one is made, after what is left of it.
    writeFileSync(join(root, scope, "cgroup.events"), "populated 0\nfrozen 0\n");
    expect(delegate(NAME, OWNER, { root, manager })?.inside).toEqual(first?.inside);
    first?.remove();
    expect(existsSync(join(root, scope))).toBe(true);
  });

  test("a new scope is made after what is left of one with its name has been stopped, by the same process", () => {
    put("systemd");
    const programs = join(root, "programs");
    mkdirSync(programs);
    for (const name of ["systemctl", "systemd-run"])
      writeFileSync(join(programs, name), `#!/bin/sh\necho "${name}: $*" >> ${root}/ran\nexit 5\n`, { mode: 0o755 });
    const [program = "", ...argv] = delegate(NAME, OWNER, { root, manager })?.inside ?? [];
    spawnSync(program, [...argv, "true"], { env: { PATH: `${programs}:/usr/bin:/bin` } });
    expect(read("ran")).toBe(
      `systemctl: stop ${NAME}.scope\nsystemd-run: --unit=${NAME}.scope --scope --collect --quiet --slice=hyperhive.slice --property Delegate=yes -- true\n`,
    );
  });

  test("a controller that is missing does not keep the daemon from the others", () => {
    putGroup(NAME);
    for (const folder of ["", NAME]) writeFileSync(join(root, folder, "cgroup.controllers"), "cpuset memory pids\n");
    delegate(NAME, OWNER, { root, manager })?.join(PID);
    expect([read("cgroup.subtree_control"), read(NAME, "cgroup.subtree_control")]).toEqual(["+memory +pids", "+memory +pids"]);
  });

  test("a kernel that refuses to pass controllers on does not keep the daemon from its group", () => {
    putGroup(NAME);
    const delegated = delegate(NAME, OWNER, { root, manager });
    rmSync(join(root, NAME, "cgroup.subtree_control"));
    // As the kernel refuses to write it.
    mkdirSync(join(root, NAME, "cgroup.subtree_control"));
    delegated?.join(PID);
    expect(read(NAME, "daemon", "cgroup.procs")).toBe(String(PID));
  });

  test("a hierarchy that cannot be changed delegates nothing", () => {
    rmSync(join(root, "cgroup.subtree_control"));
    mkdirSync(join(root, "cgroup.subtree_control"));
    expect(delegate(NAME, OWNER, { root, manager })).toBeUndefined();
  });
});

/** Where this host has a unified hierarchy that this test may change, with or without controllers. */
function unifiedHierarchy(): string | undefined {
  const line = readFileSync("/proc/mounts", "utf8")
    .split("\n")
    .find((one) => one.split(" ")[2] === "cgroup2" && / rw[, ]/.test(one));
  return process.getuid?.() === 0 ? line?.split(" ")[1] : undefined;
}

test("in the kernel's hierarchy the owner makes groups and moves its process within its own, and not out of it", async () => {
  const top = unifiedHierarchy();
  if (top === undefined) return;
  put("systemd");
  const name = `hive-delegate-${process.pid}`;
  const [slice, scope] = [join(top, "hyperhive.slice"), join(top, "hyperhive.slice", `${name}.scope`)];
  // As systemd makes it.
  mkdirSync(scope, { recursive: true });
  const script = `read go; cd ${scope} && mkdir cage && echo $$ > cage/cgroup.procs && grep '^0::' /proc/self/cgroup
    mkdir ../other 2> /dev/null || echo no folder; (echo $$ > ../cgroup.procs) 2> /dev/null || echo no way out`;
  const argv = ["--reuid", String(OWNER.uid), "--regid", String(OWNER.gid), "--clear-groups", "/bin/sh", "-c", script];
  const child = spawn("setpriv", argv, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "close");
  try {
    const delegated = delegate(name, OWNER, { root: top, manager });
    delegated?.join(child.pid ?? 0);
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.end("go\n");
    await ended;
    expect(said.trim().split("\n")).toEqual([expect.stringMatching(/\/cage$/), "no folder", "no way out"]);
  } finally {
    child.kill("SIGKILL");
    await ended;
    for (const folder of ["cage", "daemon", ""].map((part) => join(scope, part)).concat(slice)) {
      try {
        rmdirSync(folder);
      } catch {
        // It is removed already, or another hive has it.
      }
    }
  }
});

describe("with a hierarchy for each controller", () => {
  test("the daemon's user owns a group in each, which is removed when it is empty", () => {
    for (const controller of V1_CONTROLLERS) mkdirSync(join(root, controller));
    const delegated = delegate(NAME, OWNER, { root, manager });
    for (const controller of V1_CONTROLLERS) expect(statSync(join(root, controller, NAME))).toMatchObject(OWNER);
    delegated?.join(PID);
    for (const controller of V1_CONTROLLERS) {
      expect(read(controller, NAME, "daemon", "cgroup.procs")).toBe(String(PID));
      // The kernel's files are no content of a folder.
      rmSync(join(root, controller, NAME, "daemon", "cgroup.procs"));
    }
    delegated?.remove();
    for (const controller of V1_CONTROLLERS) expect(existsSync(join(root, controller, NAME))).toBe(false);
  });

  test("without one of them nothing is delegated", () => {
    for (const controller of V1_CONTROLLERS.slice(1)) mkdirSync(join(root, controller));
    writeFileSync(join(root, V1_CONTROLLERS[0]), "");
    expect(delegate(NAME, OWNER, { root, manager })).toBeUndefined();
  });
});
