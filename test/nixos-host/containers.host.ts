import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostUid } from "../../src/platforms/uids.ts";
import { nixosHost } from "../../src/w4rden/containers/host.ts";
import { containerName } from "../../src/w4rden/containers/name.ts";
import { containersContract } from "../lib/containers-contract.ts";
import { BROKEN, ETC, SYSTEM, helperOf, logsOf } from "./helper.ts";

/** What root's helper does with containers, on a NixOS host: `npm run nixos-host` runs this file there. */

const newFolder = (): string => realpathSync(mkdtempSync(join(tmpdir(), "container-")));

containersContract("containers of a NixOS host", () => {
  const path = newFolder();
  return { host: nixosHost(), state: { path, here: path }, etc: ETC, system: SYSTEM, broken: BROKEN };
});

const HIVE = "0d0d0d0d";
const AGENT = "a1";
const name = containerName(HIVE, AGENT);
const helper = helperOf(HIVE);
let pid = 0;

beforeEach(async () => {
  const root = newFolder();
  for (const folder of ["state", "inside"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "inside/start"), "#!/bin/sh\nexec > /run/hive-cage/log 2>&1\nsleep 1000\n", { mode: 0o755 });
  for (const file of ["log", "passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "gitconfig"])
    writeFileSync(join(root, "inside", file), "");
  const started = await helper.start({
    agent: AGENT,
    hostname: "h-tester",
    uid: hostUid(HIVE, 1),
    system: SYSTEM,
    binds: [
      { folder: join(root, "state"), cage: "/state", mode: "rw" },
      { folder: join(root, "inside"), cage: "/run/hive-cage", mode: "ro" },
    ],
    log: join(root, "cage.log"),
    memory_bytes: 512 * 1024 ** 2,
    cpu_percent: 100,
    pids: 128,
  });
  pid = started.pid ?? 0;
});
afterEach(async () => {
  await helper.kill(AGENT);
  await helper.destroy(AGENT);
});

/** Runs a script in the container as its root. Returns its output, whatever its exit code. */
function asRoot(script: string): string {
  const argv = ["-t", String(pid), "--all", "--", "/bin/sh", "-c", `exec 2>&1; ${script}; true`];
  return execFileSync("nsenter", argv, { encoding: "utf8" });
}
const status = (): string => readFileSync(`/proc/${pid}/status`, "utf8");

test("root of a container is a user of no other, without new privileges and with a system-call filter", () => {
  const first = /^\s*0\s+(\d+)\s+65536$/m.exec(readFileSync(`/proc/${pid}/uid_map`, "utf8"))?.[1];
  expect(Number(first)).toBeGreaterThanOrEqual(0x8_0000);
  expect(status()).toContain("NoNewPrivs:\t1");
  expect(Number(/^Seccomp_filters:\s*(\d+)/m.exec(status())?.[1])).toBeGreaterThan(0);
});

test("root of a container has no network but loopback", () => {
  expect(asRoot("ls /sys/class/net")).toBe("lo\n");
});

test("root of a container does not reach the host's Nix daemon, its database and its profiles", () => {
  expect(existsSync("/nix/var/nix/daemon-socket/socket")).toBe(true);
  expect(asRoot("ls /nix/var/nix/daemon-socket /nix/var/nix/db")).toMatch(
    /daemon-socket': Permission denied\n.*db': Permission denied\n$/,
  );
  expect(asRoot("ls -A /nix/var/nix/profiles; touch /nix/var/nix/profiles/mine && ls /nix/var/nix/profiles")).toBe("mine\n");
  expect(existsSync(`/nix/var/nix/profiles/per-container/${name}/mine`)).toBe(false);
});

test("root of a container is nobody in what the agent writes, and cannot write to the store", () => {
  expect(asRoot("touch /state/mine")).toMatch(/^touch: .*\/state\/mine/);
  expect(asRoot("touch /nix/store/mine")).toMatch(/^touch: .*\/nix\/store\/mine/);
});

test("what root of a container writes into its root folder is bounded, and leaves the host with the container", async () => {
  expect(asRoot("head -c 200M /dev/zero > /var/big")).toContain("No space left");
  expect(asRoot("stat -f -c %T /")).toBe("tmpfs\n");
  await helper.kill(AGENT);
  const mounted = execFileSync("nsenter", ["--mount=/proc/1/ns/mnt", "--", "cat", "/proc/self/mountinfo"], { encoding: "utf8" });
  expect(mounted).not.toContain(`/var/lib/nixos-containers/${name}`);
});

test("the journal has what the container's system says", async () => {
  expect(execFileSync("nixos-container", ["status", name], { encoding: "utf8" })).toBe("up\n");
  expect(await logsOf(HIVE, AGENT)).toContain("hive-ag3nt.service");
});

test("the journal is followed while the container runs, and nothing follows it when the reader has gone", async () => {
  const reader = new AbortController();
  const followers = (): string[] => {
    const listed = execFileSync("ps", ["-eo", "args"], { encoding: "utf8" });
    return listed.split("\n").filter((line) => line.startsWith("journalctl") && line.includes(`container@${name}`));
  };
  let seen = "";
  try {
    for await (const lines of helper.follow(AGENT, 5, reader.signal)) {
      if (seen === "") asRoot("echo said while it was followed > /dev/console");
      seen += `${lines.join("\n")}\n`;
      if (!seen.includes("said while it was followed")) continue;
      expect(followers()).toHaveLength(1);
      reader.abort();
    }
  } catch (error) {
    expect(reader.signal.aborted, String(error)).toBe(true);
  }
  expect(seen).toContain("said while it was followed");
  await expect.poll(followers).toEqual([]);
});
