import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { NIX_TEMPLATE } from "../src/agents/template.ts";
import { nixosPlatform } from "../src/platforms/nixos/platform.ts";
import { systemOf } from "../src/platforms/nixos/system-link.ts";
import { startNixDaemon } from "./lib/nix-daemon.ts";
import { openTestSystem, type TestSystem } from "./lib/system.ts";

/**
 * Deploys on the platform of NixOS hosts, with the real ledger, the real Nix and its real daemon in a store of the test.
 * A small flake is in place of hyperhive's, and cages confirm without a process.
 */

/** A system is what the module of the agent writes into a file. It has the agent's config, as the real one has. */
const HYPERHIVE = `{
  inputs.words.url = "path:/nonexistent";
  outputs = { self, words }: {
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
          args = [ "-c" (made.script or "echo \${words.said} \${name} > $out") ];
        };
      };
    };
  };
}
`;
let top: string;
let daemon: Awaited<ReturnType<typeof startNixDaemon>>;
let system: TestSystem;

beforeEach(async () => {
  top = realpathSync(mkdtempSync(join(tmpdir(), "nixos-")));
  const at = (name: string): string => join(top, name);
  for (const name of ["hyperhive", "words", "hive", "nix"]) mkdirSync(at(name));
  writeFileSync(at("hyperhive/flake.nix"), HYPERHIVE);
  writeFileSync(at("words/flake.nix"), '{ outputs = { self }: { said = "the system of"; }; }\n');
  daemon = await startNixDaemon(at("nix"));
  system = await open();
});
afterEach(async () => {
  await system.close();
  await daemon.stop();
  rmSync(top, { recursive: true, force: true });
});

/** The hive on this platform, in the folder of the test. */
function open(folder = join(top, "hive")): Promise<TestSystem> {
  const state = join(folder, "s");
  const paths = { meta: join(state, "meta"), applied: join(state, "applied"), scratch: join(state, "scratch") };
  const flake = { folder: join(top, "hyperhive"), inputs: { words: join(top, "words") } };
  const { driver: _driver, ...platform } = nixosPlatform({ hiveId: "b0b0b0b0", paths, flake, store: daemon.store });
  return openTestSystem({ folder, platform });
}

async function spawnAgent(name: string): Promise<void> {
  const { id } = await system.requests.spawn({ name, by: "operator", origin: "spawn" });
  await system.through(id);
}
/** Deploys a config of an agent. Resolves with the row of the request. */
async function deploy(name: string, files: Record<string, string>) {
  const { id } = await propose(name, files);
  if (system.requestStore.get(id).state !== "pending") return system.requestStore.get(id);
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  return system.deploys.finished(id);
}
function propose(name: string, files: Record<string, string>) {
  const tree = { "agent.json": "{}", ...NIX_TEMPLATE, ...files };
  return system.requests.proposeFiles({
    agent: name,
    files: Object.entries(tree).map(([path, text]) => ({ path, mode: "100644", base64: Buffer.from(text).toString("base64") })),
    by: "operator",
  });
}
const generationsOf = (name: string): string => join(system.paths.agent(system.swarm.byName(name).id).root, "generations");
const runs = (name: string): string | undefined =>
  systemOf(join(generationsOf(name), String(system.swarm.byName(name).record.generation)));
const links = (name: string): string[] => readdirSync(generationsOf(name)).filter((one) => one.endsWith(".system"));
const script = (text: string) => ({
  "agent.nix": `{ lib, ... }: { hyperhive = lib.importJSON ./agent.json; script = ${JSON.stringify(text)}; }\n`,
});
function collectGarbage(): void {
  execFileSync("nix-store", ["--gc"], {
    env: {
      PATH: process.env["PATH"],
      HOME: top,
      NIX_REMOTE: "daemon",
      NIX_STORE_DIR: daemon.store.folder,
      NIX_DAEMON_SOCKET_PATH: daemon.store.socket,
    },
    stdio: "pipe",
  });
}

test("a deploy builds the system that its cage boots, and the garbage collector leaves it", async () => {
  await spawnAgent("ada");
  expect(readFileSync(runs("ada") ?? "", "utf8")).toBe("the system of ada\n");
  collectGarbage();
  expect(readFileSync(runs("ada") ?? "", "utf8")).toBe("the system of ada\n");
  const lock = readFileSync(join(system.paths.meta, "flake.lock"), "utf8");
  expect(lock).toContain(system.swarm.byName("ada").record.deployedSha);
});

test("a build that fails changes nothing that runs", async () => {
  await spawnAgent("ada");
  const [before, head] = [runs("ada"), await system.repos.meta.head()];
  const failed = await deploy("ada", script("echo no such compiler; exit 3"));
  expect(failed).toMatchObject({ state: "failed" });
  expect(failed.error).toContain("no such compiler");
  expect([runs("ada"), await system.repos.meta.head()]).toEqual([before, head]);
  expect(links("ada")).toHaveLength(1);
});

test("code that makes another config than agent.json, or none, never reaches the operator", async () => {
  await spawnAgent("ada");
  const head = await system.repos.meta.head();
  const wider = await propose("ada", { "agent.nix": '{ ... }: { hyperhive = { egress = [ "example.org" ]; }; }\n' });
  expect(wider.state).toBe("failed");
  expect(wider.error).toContain("agent.nix sets hyperhive.egress to another value than agent.json");
  const broken = await propose("ada", { "agent.nix": "{ ... }: {\n  hyperhive = nothing;\n}\n" });
  expect(broken.state).toBe("failed");
  expect(broken.error).toMatch(/undefined variable 'nothing'[^]*agent\.nix:2/);
  const unlocked = await propose("ada", {
    "flake.nix": '{ inputs.x.url = "path:/etc"; outputs = { self, x }: { nixosModules.default = ./agent.nix; }; }\n',
  });
  expect(unlocked).toMatchObject({ state: "failed", building_at: null });
  expect(await system.repos.meta.head()).toBe(head);
});

test("systems of earlier generations are kept for roll-backs, the newest of them", async () => {
  await spawnAgent("ada");
  const first = runs("ada") ?? "";
  for (let n = 1; n <= 5; n++) expect(await deploy("ada", script(`echo ${n} > $out`))).toMatchObject({ state: "deployed" });
  collectGarbage();
  expect(links("ada")).toHaveLength(5);
  for (const link of links("ada")) expect(existsSync(readlinkSync(join(generationsOf("ada"), link)))).toBe(true);
  expect(existsSync(first)).toBe(false);
});

test("a hive of bubblewrap goes on here: each agent is built when its turn comes, with one lock for all", async () => {
  await system.close();
  const other = join(top, "moved");
  mkdirSync(other);
  system = await openTestSystem({ folder: other });
  await spawnAgent("ada");
  await spawnAgent("ben");
  const [sha, head] = [system.swarm.byName("ben").record.deployedSha, await system.repos.meta.head()];
  await system.close();

  system = await open(other);
  // What another platform has deployed is no system of this one.
  expect([runs("ada"), runs("ben")]).toEqual([undefined, undefined]);
  system.autoUpdate.queueAllStale();
  await expect.poll(() => runs("ben") !== undefined && runs("ada") !== undefined, { timeout: 60_000 }).toBe(true);
  for (const name of ["ada", "ben"]) {
    const request = system.swarm.byName(name).deploying;
    if (request !== undefined) await system.through(request);
    expect(readFileSync(runs(name) ?? "", "utf8")).toBe(`the system of ${name}\n`);
  }
  expect(system.swarm.byName("ben").record.deployedSha).toBe(sha);
  const history = await system.repos.meta.log(10);
  expect(history.map(({ sha: commit }) => commit)).toContain(head);
});
