import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { NIX_TEMPLATE } from "../../src/agents/template.ts";
import { containerName } from "../../src/w4rden/containers/name.ts";
import { HOST_STORE } from "../../src/platforms/nixos/platform.ts";
import { TestHive, until } from "../lib/hive.ts";
import { hostUnit } from "../lib/nix.ts";
import { children, ownRecord } from "../lib/rights.ts";
import { SYSTEM } from "./helper.ts";

/**
 * A hive whose agents are containers, as the service of the host module starts it: the real helper with the service's
 * privileges, the real daemon, the real Nix and its daemon, the real `nixos-container`. The flake of hyperhive is a small
 * one, whose systems are copies of the nested host's.
 */

const ROOT = join(import.meta.dirname, "../..");
const USER = "hyperhive";

/** In place of hyperhive's flake: the agent's config, and a system of this host that says what its module wants. */
const HYPERHIVE = `{
  outputs = { self }: {
    lib.agentSystem = { name, role, system, module }: let
      lib = {
        mkDefault = value: value;
        importJSON = path: builtins.fromJSON (builtins.readFile path);
        mapAttrsRecursive = f: builtins.mapAttrs (key: value: if builtins.isAttrs value then lib.mapAttrsRecursive f value else f [ key ] value);
      };
      made = import module { inherit lib; pkgs = { }; };
    in {
      config.system.build = {
        agentJson = made.hyperhive;
        toplevel = derivation {
          inherit name system;
          builder = "/bin/sh";
          args = [ "-c" "/bin/cp -r ${SYSTEM} $out && /bin/chmod -R u+w $out && \${made.extra or "true"}" ];
        };
      };
    };
  };
}
`;
let hive: TestHive;
let nix: ChildProcess;
/** The helper as the host's service starts it. */
const service = (): string[] => {
  const unit = hostUnit();
  const bounding = String(unit.serviceConfig["CapabilityBoundingSet"]).toLowerCase().replaceAll("cap_", "+").replaceAll(" ", ",");
  const helper = [join(ROOT, "dist/hive-w4rden"), "start", "--user", USER, "--etc", join(hive.folder, "etc"), "--"];
  return ["setpriv", "--no-new-privs", "--bounding-set", `-all,${bounding}`, "--", ...helper];
};

beforeAll(async () => {
  writeFileSync("/etc/NIXOS", "");
  // The nested host's own systemd-nspawn has put files over some of /proc. No user namespace may mount one then.
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
    const point = line.split(" ")[4] ?? "";
    if (point.startsWith("/proc/")) execFileSync("umount", [point]);
  }
  // The nested host has a file here that no container may see.
  rmSync(HOST_STORE.socket, { force: true });
  nix = spawn("nix-daemon", [], { env: { PATH: process.env["PATH"], HOME: "/root", NIX_REMOTE: "local" }, stdio: "inherit" });
  await until(() => existsSync(HOST_STORE.socket) && statSync(HOST_STORE.socket).isSocket());
  hive = new TestHive({ HIVE_DRIVER: "nixos-container" }).play([
    {
      when: { from: "operator", text: "^look" },
      steps: [
        {
          tools: [
            {
              name: "Bash",
              input: { command: "cat /run/current-system/words /proc/1/comm; hostname; id -un; ls /", description: "look" },
            },
          ],
          capture: { said: "([^]+)" },
        },
        { tools: [{ name: "send", input: { to: "operator", body: "saw {{said}}" } }] },
        { say: "done" },
      ],
    },
    { when: { text: "." }, steps: [{ tools: [{ name: "send", input: { to: "operator", body: "hello" } }] }, { say: "done" }] },
  ]);
  chmodSync(hive.folder, 0o755);
  const flake = join(hive.folder, "hyperhive");
  mkdirSync(flake, { mode: 0o755 });
  writeFileSync(join(flake, "flake.nix"), HYPERHIVE, { mode: 0o644 });
  hive.env["HIVE_FLAKE"] = flake;
  await hive.start({ by: service() });
}, 300_000);
afterAll(async () => {
  await hive.stop({ atOnce: true });
  nix.kill();
  await once(nix, "close");
}, 300_000);

const containerOf = async (name: string): Promise<string> => {
  const { hive_id } = ownRecord(join(hive.folder, "etc"));
  return containerName(hive_id, (await hive.folderOf(name)).split("/").at(-1) ?? "");
};
const isUp = (container: string): boolean =>
  execFileSync("nixos-container", ["status", container], { encoding: "utf8" }).trim() === "up";
const linksOf = async (name: string): Promise<string[]> =>
  readdirSync(join(await hive.folderOf(name), "generations")).filter((one) => one.endsWith(".system"));
async function ask(name: string, body: string): Promise<string> {
  const { sent } = await hive.call("send", { to: name, body });
  const answer = await hive.untilMessage((message) => message.from === name && message.in_reply_to === sent[0]?.id);
  return answer.body ?? "";
}
/** Requests an agent's config, approves it, and waits for the end. */
async function propose(agent: string, files: Record<string, string>) {
  const all = Object.entries({ "agent.json": "{}", ...NIX_TEMPLATE, ...files });
  const { request: id } = await hive.call("propose", {
    agent,
    files: all.map(([path, text]) => ({ path, mode: "100644" as const, base64: Buffer.from(text).toString("base64") })),
  });
  await hive.call("approve", { id });
  const done = await hive.watch(
    (event) => event.kind === "approval" && event.approval.id === id && ["deployed", "failed"].includes(event.approval.state),
  );
  const last = done.at(-1);
  if (last?.kind !== "approval") throw new Error("unreachable");
  return last.approval;
}

test("the manager is deployed as a container, and answers", async () => {
  expect(await ask("hm1nd", "hello")).toBe("hello");
  const container = await containerOf("hm1nd");
  expect(isUp(container)).toBe(true);
  expect(readFileSync(join(hive.stateDir, "meta/flake.lock"), "utf8")).toContain('"agent-hm1nd"');
});

test("an agent is spawned, and boots the system that its deploy has built", async () => {
  await hive.call("spawn", { name: "scout" });
  expect(await ask("scout", "hello")).toBe("hello");
  const words = "echo changed > $out/words";
  const agentNix = `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; extra = ${JSON.stringify(words)}; }\n`;
  expect(await propose("scout", { "agent.nix": agentNix })).toMatchObject({ state: "deployed" });
  const said = await ask("scout", "look");
  expect(said).toContain("systemd");
  expect(said).toContain("h-scout");
  expect(await linksOf("scout")).toHaveLength(2);
});

test("a system that does not boot is rolled back to the one that ran", async () => {
  const before = await containerOf("scout");
  const words = "echo 'exec /nothing' > $out/init";
  const agentNix = `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; extra = ${JSON.stringify(words)}; }\n`;
  const failed = await propose("scout", { "agent.nix": agentNix });
  expect(failed).toMatchObject({ state: "failed" });
  expect(failed.error).toContain("does not start");
  expect(await ask("scout", "hello")).toBe("hello");
  expect(await containerOf("scout")).toBe(before);
  expect(await linksOf("scout")).toHaveLength(2);
});

test("a container outlives the daemon, and the next one adopts it", async () => {
  const container = await containerOf("scout");
  const pidOf = (): string =>
    execFileSync("systemctl", ["show", `container@${container}`, "-P", "MainPID"], { encoding: "utf8" });
  const before = pidOf();
  const ended = once(hive.process, "exit");
  // The helper ends with its daemon.
  process.kill(children(hive.pid)[0] ?? 0, "SIGKILL");
  await ended;
  await hive.start({ by: service() });
  expect(await ask("scout", "hello")).toBe("hello");
  expect(pidOf()).toBe(before);
});

test("a destroyed agent leaves no container", async () => {
  const container = await containerOf("scout");
  await hive.call("destroy", { name: "scout", purge: true });
  expect(existsSync(`/etc/nixos-containers/${container}.conf`)).toBe(false);
  expect(existsSync(`/run/hive-cages/${container}`)).toBe(false);
});
