import { describe, expect, test } from "vitest";
import { makeGroup } from "./cgroups.ts";

const LIMITS = { memoryBytes: 2 * 1024 ** 3, cpuPercent: 150, pids: 512 };

/** What systemd is asked for. Nothing here has systemd as its first process, so the words themselves are the contract. */
describe("a scope of systemd", () => {
  test("holds memory, processes and cpu of the program that it becomes, in our slice, and is forgotten when empty", () => {
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
    // Joined by the command alone: nothing is written into files of cgroups that belong to systemd.
    expect(group.procsFiles).toEqual([]);
    expect(group.env).toEqual({});
    // Not there (any more): nothing is left to remove.
    expect(group.remove()).toBe(true);
    expect(group.oomKills()).toBe(0);
    expect(group.memoryBytes()).toBeUndefined();
  });

  test("of a plain user is asked of the user's own manager, found by its runtime folder", () => {
    const way = { kind: "systemd", manager: "user", root: "/sys/fs/cgroup/user.slice", runtimeDir: "/run/user/1000" } as const;
    const group = makeGroup(way, "hive-0a1b-a1", LIMITS);
    expect(group.command("/bin/sh", [])[1].slice(0, 2)).toEqual(["--user", "--scope"]);
    expect(group.env).toEqual({ XDG_RUNTIME_DIR: "/run/user/1000" });
  });
});

test("where no group can be made each process is bounded, and the number of processes where the user is the agent's own", () => {
  const group = makeGroup({ kind: "prlimit", why: "no cgroup" }, "hive-0a1b-a1", LIMITS);
  const [program, argv] = group.command("/bin/sh", ["-c", "true"]);
  expect(program).toBe("prlimit");
  const nproc = process.getuid?.() === 0 ? ["--nproc=512"] : [];
  expect(argv).toEqual(["--data=4294967296", "--core=0", ...nproc, "--", "/bin/sh", "-c", "true"]);
});
