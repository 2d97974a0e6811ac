import { describe, expect, test } from "vitest";
import { makeGroup } from "./cgroups.ts";

const LIMITS = { memoryBytes: 2 * 1024 ** 3, cpuPercent: 150, pids: 512 };

/**
 * The arguments for systemd. These tests run without systemd as the first process, so the arguments are the contract.
 */
describe("a scope of systemd", () => {
  test("limits memory, processes and cpu of the program that it becomes, in our slice, and is collected when empty", () => {
    const group = makeGroup({ kind: "systemd", manager: "system", root: "/sys/fs/cgroup" }, "hive-0a1b-a1", LIMITS);
    expect(group.command("unshare", ["--mount", "/bin/sh"])).toEqual([
      "systemd-run",
      [
        "--scope",
        "--collect",
        "--quiet",
        "--slice=hyperhive.slice",
        "--unit=hive-0a1b-a1",
        "--property",
        "MemoryMax=2147483648",
        "--property",
        "MemorySwapMax=0",
        "--property",
        "TasksMax=512",
        "--property",
        "CPUQuota=150%",
        "--",
        "unshare",
        "--mount",
        "/bin/sh",
      ],
    ]);
    // The program joins by the command alone: nothing is written into cgroup files of systemd.
    expect(group.procsFiles).toEqual([]);
    expect(group.env).toEqual({});
    // It does not exist, so there is nothing to remove.
    expect(group.remove()).toBe(true);
    expect(group.oomKills()).toBe(0);
    expect(group.memoryBytes()).toBeUndefined();
  });

  test("for a plain user is created by the user's own manager, found through its runtime folder", () => {
    const way = { kind: "systemd", manager: "user", root: "/sys/fs/cgroup/user.slice", runtimeDir: "/run/user/1000" } as const;
    const group = makeGroup(way, "hive-0a1b-a1", LIMITS);
    expect(group.command("/bin/sh", [])[1].slice(0, 2)).toEqual(["--user", "--scope"]);
    expect(group.env).toEqual({ XDG_RUNTIME_DIR: "/run/user/1000" });
  });
});

test("without groups, each process is limited, and the number of processes if the user is the agent's own", () => {
  const group = makeGroup({ kind: "prlimit", why: "no cgroup" }, "hive-0a1b-a1", LIMITS);
  const [program, argv] = group.command("/bin/sh", ["-c", "true"]);
  expect(program).toBe("prlimit");
  const nproc = process.getuid?.() === 0 ? ["--nproc=512"] : [];
  expect(argv).toEqual(["--data=4294967296", "--core=0", ...nproc, "--", "/bin/sh", "-c", "true"]);
});
