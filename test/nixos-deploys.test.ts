import { existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseLock } from "../src/platforms/nixos/lock-file.ts";
import { openTestSystem } from "./lib/system.ts";
import { NixosHive, madeBy } from "./lib/nixos-hive.ts";

/** Deploys on the platform of NixOS hosts. */

let hive: NixosHive;

/** Two flakes that an agent's could have as its input, and the lock of a flake that has the first one. */
async function lockedWords(): Promise<{ lock: string; flakeOf(name: string): string }> {
  const flakeOf = (name: string): string =>
    `{ inputs.more.url = "path:${hive.top}/words/${name}"; outputs = { self, more }: { nixosModules.default = ./agent.nix; }; }\n`;
  for (const name of ["words", "others"]) {
    mkdirSync(join(hive.top, "words", name));
    writeFileSync(join(hive.top, "words", name, "flake.nix"), `{ outputs = { self }: { said = "${name}"; }; }\n`);
  }
  await hive.spawn("bea");
  expect(await hive.deploy("bea", { "flake.nix": flakeOf("words") })).toMatchObject({ state: "deployed" });
  const { nodes } = parseLock(readFileSync(join(hive.system.paths.meta, "flake.lock"), "utf8"));
  const more = nodes[String(nodes["agent-bea"]?.inputs?.["more"])];
  return { lock: JSON.stringify({ version: 7, root: "root", nodes: { root: { inputs: { more: "more" } }, more } }), flakeOf };
}

/** These change nothing of what ada runs, and share its hive: a spawn builds a system. */
describe("with an agent", () => {
  beforeAll(async () => {
    hive = await NixosHive.start();
    await hive.spawn("ada");
  });
  afterAll(() => hive.stop());

  test("a deploy builds the system that its cage boots, and the garbage collector leaves it", async () => {
    expect(readFileSync(hive.runs("ada") ?? "", "utf8")).toBe("the system of ada\n");
    hive.collectGarbage();
    expect(readFileSync(hive.runs("ada") ?? "", "utf8")).toBe("the system of ada\n");
    const lock = readFileSync(join(hive.system.paths.meta, "flake.lock"), "utf8");
    expect(lock).toContain(hive.system.swarm.byName("ada").record.deployedSha);
  });

  test("a build that fails changes nothing that runs", async () => {
    const [before, head] = [hive.runs("ada"), await hive.system.repos.meta.head()];
    const failed = await hive.deploy("ada", madeBy("echo no such compiler; exit 3"));
    expect(failed).toMatchObject({ state: "failed" });
    expect(failed.error).toContain("no such compiler");
    expect([hive.runs("ada"), await hive.system.repos.meta.head()]).toEqual([before, head]);
    expect(hive.links("ada")).toHaveLength(1);
  });

  test("code that makes another config than agent.json, or none, never reaches the operator", async () => {
    const head = await hive.system.repos.meta.head();
    const wider = await hive.propose("ada", { "agent.nix": '{ ... }: { hyperhive = { egress = [ "example.org" ]; }; }\n' });
    expect(wider.state).toBe("failed");
    expect(wider.error).toContain("agent.nix sets hyperhive.egress to another value than agent.json");
    const broken = await hive.propose("ada", { "agent.nix": "{ ... }: {\n  hyperhive = nothing;\n}\n" });
    expect(broken.state).toBe("failed");
    expect(broken.error).toMatch(/undefined variable 'nothing'[^]*agent\.nix:2/);
    const unlocked = await hive.propose("ada", {
      "flake.nix": '{ inputs.x.url = "path:/etc"; outputs = { self, x }: { nixosModules.default = ./agent.nix; }; }\n',
    });
    expect(unlocked).toMatchObject({ state: "failed", building_at: null });
    expect(await hive.system.repos.meta.head()).toBe(head);
  });

  test("a config whose flake.lock does not fit its flake.nix never reaches the operator", async () => {
    const { lock, flakeOf } = await lockedWords();
    expect(await hive.propose("ada", { "flake.nix": flakeOf("words"), "flake.lock": lock })).toMatchObject({ state: "pending" });
    // Without a lock of its own, the hive's is the only one.
    expect(await hive.propose("ada", { "flake.nix": flakeOf("words") })).toMatchObject({ state: "pending" });
    for (const files of [
      { "flake.nix": flakeOf("others"), "flake.lock": lock },
      { "flake.nix": "{ outputs = { self }: { nixosModules.default = ./agent.nix; }; }\n", "flake.lock": lock },
      { "flake.nix": flakeOf("words"), "flake.lock": JSON.stringify({ version: 7, root: "root", nodes: { root: {} } }) },
    ])
      expect(await hive.propose("ada", files)).toMatchObject({
        state: "failed",
        building_at: null,
        error: expect.stringContaining("flake.lock does not fit flake.nix: the input more is locked otherwise"),
      });
    const unreadable = await hive.propose("ada", { "flake.lock": JSON.stringify({ version: 7, root: "none", nodes: {} }) });
    expect(unreadable).toMatchObject({ state: "failed" });
  });

  test("what a proposal's code would put into the store is not there before the operator approves it", async () => {
    const code = `{ lib, ... }: let
  filling = [
    (builtins.toFile "filling-text" (builtins.concatStringsSep "" (builtins.genList toString 1000)))
    "\${builtins.path { name = "filling-copy"; path = ./.; }}"
    (derivation { name = "filling-drv"; system = "x86_64-linux"; builder = "/bin/sh"; }).drvPath
  ];
in { hyperhive = builtins.deepSeq filling (lib.importJSON ./agent.json); script = "echo \${toString filling} > $out"; }
`;
    const stored = (): string[] => readdirSync(hive.store).filter((name) => name.includes("filling-"));
    const proposed = await hive.propose("ada", { "agent.nix": code });
    expect(proposed).toMatchObject({ state: "pending", error: null });
    expect(stored()).toEqual([]);
  });

  test("a mount at a place that no container can name is refused before the operator is asked, also of a new agent", async () => {
    const mounts = [{ host: hive.top, cage: "/mnt/my notes", mode: "ro" as const }];
    const words = "mounts: /mnt/my notes cannot be a place in a container: its names have letters, digits";
    const proposed = await hive.propose("ada", { "agent.json": JSON.stringify({ mounts }) });
    expect(proposed.state).toBe("failed");
    expect(proposed.error).toContain(words);
    const spawned = hive.system.requests.spawn({ name: "ben", config: { mounts }, by: "hm1nd", origin: "request" });
    await expect(spawned).rejects.toThrow(words);
  });
});

describe("in a hive of its own", () => {
  beforeEach(async () => {
    hive = await NixosHive.start();
  });
  afterEach(() => hive.stop());

  test("systems of earlier generations are kept for roll-backs, the newest of them", async () => {
    await hive.spawn("ada");
    const first = hive.runs("ada") ?? "";
    for (let n = 1; n <= 5; n++)
      expect(await hive.deploy("ada", madeBy(`echo ${n} > $out`))).toMatchObject({ state: "deployed" });
    hive.collectGarbage();
    expect(hive.links("ada")).toHaveLength(5);
    for (const link of hive.links("ada")) expect(existsSync(readlinkSync(join(hive.generations("ada"), link)))).toBe(true);
    expect(existsSync(first)).toBe(false);
  });

  test("a hive of bubblewrap goes on here: each agent is built when its turn comes, with one lock for all", async () => {
    await hive.system.close();
    const other = join(hive.top, "bubblewrap");
    mkdirSync(other);
    hive.system = await openTestSystem({ folder: other });
    await hive.spawn("ada");
    await hive.spawn("ben");
    const [sha, head] = [hive.system.swarm.byName("ben").record.deployedSha, await hive.system.repos.meta.head()];
    await hive.system.close();

    await hive.open(undefined, other);
    // What another platform has deployed is no system of this one.
    expect([hive.runs("ada"), hive.runs("ben")]).toEqual([undefined, undefined]);
    hive.system.autoUpdate.queueAllStale();
    await expect.poll(() => hive.runs("ben") !== undefined && hive.runs("ada") !== undefined).toBe(true);
    for (const name of ["ada", "ben"]) {
      const request = hive.system.swarm.byName(name).deploying;
      if (request !== undefined) await hive.system.through(request);
      expect(readFileSync(hive.runs(name) ?? "", "utf8")).toBe(`the system of ${name}\n`);
    }
    expect(hive.system.swarm.byName("ben").record.deployedSha).toBe(sha);
    const history = await hive.system.repos.meta.log(10);
    expect(history.map(({ sha: commit }) => commit)).toContain(head);
  });

  test("agents whose flakes cannot be locked here block no deploy of another one, nor their own removal", async () => {
    await hive.system.close();
    const other = join(hive.top, "bubblewrap");
    mkdirSync(other);
    hive.system = await openTestSystem({ folder: other });
    for (const name of ["ada", "ben", "cy"]) await hive.spawn(name);
    const unlockable = {
      "flake.nix": '{ inputs.x.url = "path:/etc"; outputs = { self, x }: { nixosModules.default = ./agent.nix; }; }\n',
    };
    for (const name of ["ada", "ben"]) expect(await hive.deploy(name, unlockable)).toMatchObject({ state: "deployed" });
    await hive.system.close();

    await hive.open(undefined, other);
    expect(await hive.deploy("cy", madeBy("echo cy > $out"))).toMatchObject({ state: "deployed" });
    const flakeOfHive = (): string => readFileSync(join(hive.system.paths.meta, "flake.nix"), "utf8");
    expect(flakeOfHive()).toContain("agent-cy.url");
    expect(flakeOfHive()).not.toMatch(/agent-(?:ada|ben)/);
    // What is approved and runs is still in the ledger.
    expect(Object.keys(await hive.system.repos.meta.ledger(await hive.system.repos.meta.head()))).toEqual(["ada", "ben", "cy"]);
    const own = await hive.propose("ada", { ...unlockable, "agent.nix": "{ ... }: { hyperhive = { }; }\n" });
    expect(own.state).toBe("failed");
    await hive.system.callAs(hive.system.operator, "destroy", { name: "ben", purge: true });
    expect(Object.keys(await hive.system.repos.meta.ledger(await hive.system.repos.meta.head()))).toEqual(["ada", "cy"]);
    // One that is mended is locked by its next deploy, once its code was read: bubblewrap has shown no line of it.
    const mended = madeBy("echo ada > $out");
    await expect(hive.deploy("ada", mended)).rejects.toThrow("has to be read first");
    const reviewed = [{ agent: "ada", commit: hive.system.swarm.byName("ada").record.deployedSha ?? "" }];
    const checked = hive.system.call("migrate", { what: "check", reviewed } as never, hive.system.operator);
    for await (const step of checked as AsyncIterable<object>) expect(step).toBeDefined();
    expect(await hive.deploy("ada", mended)).toMatchObject({ state: "deployed" });
    expect(flakeOfHive()).toContain("agent-ada.url");
  });

  test("a hive that was moved to another folder is locked there anew, one agent after the other", async () => {
    await hive.spawn("ada");
    await hive.spawn("ben");
    await hive.system.close();
    const moved = join(hive.top, "moved");
    renameSync(hive.folder, moved);
    await hive.open(undefined, moved);
    expect(await hive.deploy("ada", madeBy("echo moved > $out"))).toMatchObject({ state: "deployed" });
    expect(readFileSync(hive.runs("ada") ?? "", "utf8")).toBe("moved\n");
    expect(await hive.deploy("ben", madeBy("echo too > $out"))).toMatchObject({ state: "deployed" });
  });

  test("the inputs of the ledger are those of its lock, and an update locks hyperhive anew and builds every agent", async () => {
    await hive.spawn("ada");
    await hive.spawn("ben");
    const { inputs } = await hive.system.callAs(hive.system.operator, "meta", {});
    expect(inputs.map(({ name, rebuilds }) => [name, rebuilds])).toEqual([
      ["agent-ada", ["ada"]],
      ["agent-ben", ["ben"]],
      ["hyperhive", ["ada", "ben"]],
      ["hyperhive/words", ["ada", "ben"]],
    ]);
    expect(inputs.map(({ rev }) => rev)).toEqual([
      hive.system.swarm.byName("ada").record.deployedSha,
      hive.system.swarm.byName("ben").record.deployedSha,
      "r1",
      undefined,
    ]);
    writeFileSync(join(hive.top, "words/flake.nix"), '{ outputs = { self }: { said = "newer words of"; }; }\n');
    const { results } = await hive.system.callAs(hive.system.operator, "meta_update", { inputs: ["hyperhive/words"] });
    expect(results.map(({ name, ok }) => [name, ok])).toEqual([
      ["ada", true],
      ["ben", true],
    ]);
    for (const name of ["ada", "ben"]) {
      await expect.poll(() => readFileSync(hive.runs(name) ?? "", "utf8")).toBe(`newer words of ${name}\n`);
      await expect.poll(() => hive.system.swarm.byName(name).deploying).toBe(undefined);
    }
  });
});
