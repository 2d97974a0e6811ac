import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { children } from "../lib/rights.ts";
import { ANSWERS, HostedHive, isUp, prepareHost, runs } from "./hive.ts";

/** A hive whose agents are containers from the start. */

let hive: HostedHive;
let host: Awaited<ReturnType<typeof prepareHost>>;

beforeAll(async () => {
  host = await prepareHost();
  hive = new HostedHive("nixos-container", [
    runs(
      "ledger",
      "git -C /meta log --format=%s && grep -c agent-scout /meta/flake.lock && id=$(git -C /meta log -1 --format=%s | sed -E 's|.*deployed/([0-9]+).*|\\1|') && cd /agents/scout/config && git fetch -q applied && git show -s --format=commit:%H applied/refs/tags/deployed/$id && cat /meta/flake.lock | grep -c rev",
    ),
    runs("look", "cat /run/current-system/words /proc/1/comm; hostname; id -un; ls /"),
    ANSWERS,
  ]);
  await hive.startService();
}, 300_000);
afterAll(async () => {
  await hive.stop({ atOnce: true });
  await host.stop();
}, 300_000);

test("the manager is deployed as a container, and answers", async () => {
  expect(await hive.ask("hm1nd", "hello")).toBe("hello");
  const container = await hive.containerOf("hm1nd");
  expect(isUp(container)).toBe(true);
  expect(readFileSync(join(hive.stateDir, "meta/flake.lock"), "utf8")).toContain('"agent-hm1nd"');
});

test("an agent is spawned, and boots the system that its deploy has built", async () => {
  await hive.call("spawn", { name: "scout" });
  expect(await hive.ask("scout", "hello")).toBe("hello");
  const words = "echo changed > $out/words";
  const agentNix = `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; extra = ${JSON.stringify(words)}; }\n`;
  expect(await hive.propose("scout", { "agent.nix": agentNix })).toMatchObject({ state: "deployed" });
  const said = await hive.ask("scout", "look");
  expect(said).toContain("systemd");
  expect(said).toContain("h-scout");
  expect(await hive.linksOf("scout")).toHaveLength(2);
});

test("the manager reads what is deployed: the history, the lock and the commits of an agent", async () => {
  const said = await hive.ask("hm1nd", "ledger");
  expect(said).toMatch(
    /^saw deploy scout deployed\/\d+ ([0-9a-f]{12})\n[^]*deploy hm1nd deployed\/\d+ [^]*\n[1-9]\d*\n[^]*commit:\1/,
  );
});

test("a system that does not boot is rolled back to the one that ran", async () => {
  const before = await hive.containerOf("scout");
  const words = "echo 'exec /nothing' > $out/init";
  const agentNix = `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; extra = ${JSON.stringify(words)}; }\n`;
  const failed = await hive.propose("scout", { "agent.nix": agentNix });
  expect(failed).toMatchObject({ state: "failed" });
  expect(failed.error).toContain("does not start");
  expect(await hive.ask("scout", "hello")).toBe("hello");
  expect(await hive.containerOf("scout")).toBe(before);
  expect(await hive.linksOf("scout")).toHaveLength(2);
});

test("a container outlives the daemon, and the next one adopts it", async () => {
  const container = await hive.containerOf("scout");
  const pidOf = (): string =>
    execFileSync("systemctl", ["show", `container@${container}`, "-P", "MainPID"], { encoding: "utf8" });
  const before = pidOf();
  const ended = once(hive.process, "exit");
  // The helper ends with its daemon.
  process.kill(children(hive.pid)[0] ?? 0, "SIGKILL");
  await ended;
  await hive.startService();
  expect(await hive.ask("scout", "hello")).toBe("hello");
  expect(pidOf()).toBe(before);
});

test("a destroyed agent leaves no container", async () => {
  const container = await hive.containerOf("scout");
  await hive.call("destroy", { name: "scout", purge: true });
  expect(existsSync(`/etc/nixos-containers/${container}.conf`)).toBe(false);
  expect(existsSync(`/run/hive-cages/${container}`)).toBe(false);
});
