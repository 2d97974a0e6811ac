import { execFileSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostUid } from "../../src/platforms/uids.ts";
import type { ContainerStartRequest } from "../../src/wire/w4rden.ts";
import { containerName } from "../../src/w4rden/containers/name.ts";
import { SYSTEM, helperOf, logsOf } from "./helper.ts";

/** What is special about containers of a NixOS host: `npm run nixos-host` runs this file there. */

const HIVE = "0c0c0c0c";
const AGENT = "a1";
const name = containerName(HIVE, AGENT);
const uid = hostUid(HIVE, 1);
const helper = helperOf(HIVE);
const printed = (program: string, ...argv: string[]): string => execFileSync(program, argv, { encoding: "utf8" });

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "container-")));
});
afterEach(async () => {
  await helper.kill(AGENT);
  await helper.destroy(AGENT);
  rmSync(root, { recursive: true, force: true });
});

/** A container whose program is this script, as the agent; or, with `service`, whatever the script does as a service. */
function request(script: string): Omit<ContainerStartRequest, "verb"> {
  for (const folder of ["state", "inside"]) mkdirSync(join(root, folder));
  chownSync(join(root, "state"), uid, uid);
  writeFileSync(join(root, "inside/start"), `#!/bin/sh\nexec > /run/hive-cage/log 2>&1\n${script}\n`, { mode: 0o755 });
  for (const file of ["log", "passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "gitconfig"])
    writeFileSync(join(root, "inside", file), "");
  return {
    agent: AGENT,
    hostname: "h-tester",
    uid,
    system: SYSTEM,
    binds: [
      { folder: join(root, "state"), cage: "/state", mode: "rw" },
      { folder: join(root, "inside"), cage: "/run/hive-cage", mode: "ro" },
    ],
    log: join(root, "cage.log"),
    memory_bytes: 512 * 1024 ** 2,
    cpu_percent: 100,
    pids: 128,
  };
}

/** Runs a command in a container as its root. */
function asRoot(pid: number | undefined, script: string): string {
  return printed("nsenter", "-t", String(pid), "--all", "--", "/bin/sh", "-c", script);
}

test("the container's root is no root of the host, has no network, and reaches no Nix daemon, database and profile of the host", async () => {
  const { pid } = await helper.start(request("sleep 1000"));
  const [, first] = /^\s*0\s+(\d+)\s+65536$/m.exec(readFileSync(`/proc/${pid}/uid_map`, "utf8")) ?? [];
  expect(Number(first)).toBeGreaterThanOrEqual(0x8_0000);
  expect(asRoot(pid, "ls /sys/class/net")).toBe("lo\n");
  expect(
    asRoot(
      pid,
      "ls -A /nix/var/nix/profiles /nix/var/nix/gcroots | grep -v : ; ls -A /nix/var/nix/daemon-socket 2>&1; ls -A /nix/var/nix/db 2>&1 || true",
    ),
  ).not.toMatch(/system|socket$|sqlite/m);
  expect(asRoot(pid, "touch /nix/var/nix/profiles/mine /state/mine 2>&1 || true")).toContain("/state/mine");
  expect(existsSync(`/nix/var/nix/profiles/per-container/${name}/mine`)).toBe(false);
  const filters = Number(/^Seccomp_filters:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
  expect(filters).toBeGreaterThan(0);
  expect(readFileSync(`/proc/${pid}/status`, "utf8")).toContain("NoNewPrivs:\t1");
});

test("starting again sets another system and writes the same configuration", async () => {
  const again = request("exit 0");
  await helper.start(again);
  await helper.kill(AGENT);
  const conf = readFileSync(`/etc/nixos-containers/${name}.conf`, "utf8");
  expect(conf).toContain(`SYSTEM_PATH=${SYSTEM}\n`);
  await helper.start(again);
  await helper.kill(AGENT);
  expect(readFileSync(`/etc/nixos-containers/${name}.conf`, "utf8")).toBe(conf);
  expect(printed("readlink", "-f", `/nix/var/nix/profiles/per-container/${name}/system`)).toBe(`${SYSTEM}\n`);
  expect(printed("nixos-container", "list")).toBe(`${name}\n`);
});

test("a container that runs is not started twice, and not destroyed", async () => {
  const one = request("sleep 1000");
  await helper.start(one);
  expect(printed("nixos-container", "status", name)).toBe("up\n");
  await expect(helper.start(one)).rejects.toThrow(`the container ${name} of the agent ${AGENT} runs already`);
  await expect(helper.destroy(AGENT)).rejects.toThrow("stop it first");
  await helper.kill(AGENT);
  expect(printed("nixos-container", "status", name)).toBe("down\n");
});

test("a destroyed container leaves nothing behind", async () => {
  await helper.start(request("exit 0"));
  await helper.kill(AGENT);
  await helper.destroy(AGENT);
  for (const path of [
    `/etc/nixos-containers/${name}.conf`,
    `/var/lib/nixos-containers/${name}`,
    `/nix/var/nix/profiles/per-container/${name}`,
    `/run/hive-cages/${name}`,
    `/run/systemd/system/container@${name}.service.d`,
    `/etc/hyperhive/containers/${name}.json`,
  ])
    expect(existsSync(path), path).toBe(false);
});

test("the journal has what the container's system says, without a daemon too", async () => {
  await helper.start(request("sleep 1000"));
  expect(await logsOf(HIVE, AGENT)).toContain("hive-ag3nt.service");
});

test("a system that does not boot is refused with the words of the journal", async () => {
  const broken = printed("nix-store", "--add", "/root/broken").trim();
  await expect(helper.start({ ...request("exit 0"), system: broken })).rejects.toThrow(/does not start: [^]*No such file/);
});

test.each([
  [
    "a folder of root",
    (one: ReturnType<typeof request>) => void one.binds.push({ folder: "/etc/nix", cage: "/x", mode: "ro" }),
    /root does not allow/,
  ],
  [
    "the daemon's state as a whole",
    (one: ReturnType<typeof request>) => void one.binds.push({ folder: realpathSync(tmpdir()), cage: "/x", mode: "ro" }),
    /no agent can have it/,
  ],
  [
    "another hive's uid",
    (one: ReturnType<typeof request>) => void (one.uid = hostUid("ffffffff", 1)),
    /is not one of this hive's/,
  ],
  [
    "a system that was not built",
    (one: ReturnType<typeof request>) => void (one.system = `/nix/store/${"a".repeat(32)}-x`),
    /does not exist/,
  ],
])("%s is refused", async (_, change, words) => {
  const one = request("exit 0");
  change(one);
  await expect(helper.start(one)).rejects.toThrow(words);
});
