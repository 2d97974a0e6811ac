import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { MigrationView } from "../src/wire/migration.ts";
import type { Input } from "../src/wire/operations.ts";
import { madeBy, NixosHive } from "./lib/nixos-hive.ts";

/** The move of a hive from bubblewrap into containers of a NixOS host, with the real Nix and its daemon. */

let hive: NixosHive;
let folder: string;
beforeEach(async () => {
  hive = await NixosHive.place();
  folder = join(hive.top, "bubblewrap");
  mkdirSync(folder);
  await hive.openBubblewrap(folder);
});
afterEach(() => hive.stop());

/** Calls the operation as the operator's socket does. With what it told meanwhile. */
async function migrate(input: Partial<Input<"migrate">> = {}): Promise<MigrationView & { told: string[] }> {
  const told: string[] = [];
  const answer = hive.system.call("migrate", { what: "check", ...input } as never, hive.system.operator);
  for await (const step of answer as AsyncIterable<{ progress?: { agent: string; words: string }; migration?: MigrationView }>) {
    if (step.progress) told.push(`${step.progress.agent}: ${step.progress.words}`);
    if (step.migration) return { ...step.migration, told };
  }
  throw new Error("it ended without a view");
}
/** Says that the operator has read the Nix code of what agents run. */
const read = (...names: string[]) =>
  names.map((agent) => ({ agent, commit: hive.system.swarm.byName(agent).record.deployedSha ?? "" }));
const states = ({ agents }: MigrationView): string[] => agents.map(({ name, state }) => `${name} ${state}`);
const systemsOf = (name: string): string => readFileSync(hive.runs(name) ?? "", "utf8");
const audited = async (): Promise<string[]> => {
  const { entries } = await hive.system.callAs(hive.system.operator, "audit", {});
  return entries.filter(({ kind }) => kind.startsWith("system_")).map(({ kind, agent, actor }) => `${actor} ${kind} ${agent}`);
};

test("agents are built while they run, and the next daemon boots what was built", async () => {
  await hive.spawn("ada");
  await hive.spawn("ben");
  const head = await hive.system.repos.meta.head();
  expect(states(await migrate())).toEqual(["ada ready", "ben ready"]);
  // A check changes nothing.
  expect([hive.runs("ada"), hive.runs("ben")]).toEqual([undefined, undefined]);

  const built = await migrate({ what: "build" });
  expect(states(built)).toEqual(["ada built", "ben built"]);
  expect(built.told).toContain("ada: evaluating");
  expect([systemsOf("ada"), systemsOf("ben")]).toEqual(["the system of ada\n", "the system of ben\n"]);
  expect(await audited()).toEqual(["operator system_built ben", "operator system_built ada"]);
  // No deploy was made of it: the ledger, the generations and what runs are as they were.
  expect(await hive.system.repos.meta.head()).toBe(head);
  expect(hive.system.swarm.byName("ada").phase.at).toBe("running");
  hive.collectGarbage();
  await hive.system.close();

  await hive.open(undefined, folder);
  expect(states(await migrate())).toEqual(["ada moved", "ben moved"]);
  hive.system.autoUpdate.queueAllStale();
  expect((await hive.system.callAs(hive.system.operator, "approvals", { open: true })).approvals).toEqual([]);
});

test("a build that was interrupted goes on with the agents that are left", async () => {
  await hive.spawn("ada");
  await hive.spawn("ben");
  expect(states(await migrate({ what: "build", agents: ["ada"] }))).toEqual(["ada built"]);
  await hive.system.close();
  await hive.openBubblewrap(folder);
  const rest = await migrate({ what: "build" });
  expect(states(rest)).toEqual(["ada built", "ben built"]);
  expect(rest.told.filter((line) => line.startsWith("ada"))).toEqual([]);
});

test("a caller that goes away ends the build, which leaves no half of a system", async () => {
  await hive.spawn("ada");
  expect(await hive.deploy("ada", madeBy("echo begun; while :; do :; done"))).toMatchObject({ state: "deployed" });
  const answer = hive.system.call("migrate", { what: "build", reviewed: read("ada") } as never, hive.system.operator);
  const steps = (answer as AsyncIterable<{ progress?: { words: string } }>)[Symbol.asyncIterator]();
  for (;;) {
    const { value } = (await steps.next()) as { value: { progress?: { words: string } } };
    if (value.progress?.words === "building") break;
  }
  await steps.return?.();
  expect(hive.links("ada")).toEqual([]);
  // The next one can begin as soon as the programs of this one have ended.
  await expect.poll(() => migrate({ what: "undo" }).catch(String)).toMatchObject({ agents: [{ state: "ready" }] });
});

test("Nix code that was approved where nothing reads it is not built before the operator has read it", async () => {
  const own = madeBy("echo mine > $out");
  await hive.spawn("ada");
  expect(await hive.deploy("ada", own)).toMatchObject({ state: "deployed" });
  const commit = hive.system.swarm.byName("ada").record.deployedSha ?? "";
  for (const what of ["check", "build"] as const) {
    const { agents, told } = await migrate({ what });
    expect(agents).toMatchObject([
      { state: "blocked", problems: [expect.stringMatching(/without its lines \(agent\.nix\).*hivectl config ada`/)] },
    ]);
    expect(agents[0]?.problems[0]).toContain(`--reviewed ada@${commit.slice(0, 12)}`);
    // Not even evaluated: that is a program too.
    expect(told).toEqual([]);
  }
  await expect(migrate({ what: "build", reviewed: [{ agent: "ada", commit: "0".repeat(12) }] })).rejects.toThrow(
    `ada runs ${commit.slice(0, 12)}, not 000000000000`,
  );
  expect(hive.links("ada")).toEqual([]);
  const reviewed = [{ agent: "ada", commit: commit.slice(0, 12) }];
  expect(states(await migrate({ what: "build", reviewed }))).toEqual(["ada built"]);
  const { entries } = await hive.system.callAs(hive.system.operator, "audit", {});
  expect(entries).toContainEqual(
    expect.objectContaining({ kind: "nix_reviewed", agent: "ada", actor: "operator", detail: { sha: commit } }),
  );
  // It was that commit, and no later one.
  await hive.deploy("ada", { ...own, "agent.json": '{"description":"another"}' });
  expect(states(await migrate())).toEqual(["ada blocked"]);
});

test("containers neither rebuild, nor go on from, nor go back to code that was never shown", async () => {
  await hive.spawn("ada");
  const first = await hive.deploy("ada", madeBy("echo first > $out"));
  await hive.deploy("ada", madeBy("echo second > $out"));
  await hive.system.close();
  await hive.open(undefined, folder);
  const ada = () => hive.system.swarm.byName("ada");
  expect(await hive.system.autoUpdate.ask(ada(), "system")).toMatchObject({
    state: "failed",
    error: expect.stringContaining("would be built and run as root of its container"),
  });
  const next = await hive.propose("ada", { ...madeBy("echo second > $out"), "agent.json": '{"description":"harmless"}' });
  await expect(hive.system.decisions.approve(next.id, {}, { by: "operator", digestNeeded: false })).rejects.toThrow(
    "what runs of ada has to be read first",
  );
  expect(hive.links("ada")).toEqual([]);

  expect(states(await migrate({ what: "build", reviewed: read("ada") }))).toEqual(["ada moved"]);
  expect(systemsOf("ada")).toBe("second\n");
  const changed = await hive.deploy("ada", { ...madeBy("echo third > $out"), "agent.json": '{"description":"shown"}' });
  expect(changed).toMatchObject({ state: "deployed" });
  hive.collectGarbage();
  expect(await hive.system.autoUpdate.ask(ada(), "operator", { always: true })).toMatchObject({ state: "deployed" });
  const back = await hive.system.requests.rollback("ada", first.id, "operator");
  expect(await hive.system.deploys.finished(back.id)).toMatchObject({
    state: "failed",
    error: expect.stringMatching(/was never shown: propose it.*propose ada --from/),
  });
});

test("what stands against an agent is said, and keeps no other one back", async () => {
  for (const name of ["ada", "ben", "cy", "dan", "eve"]) await hive.spawn(name);
  const mounts = [{ host: join(hive.top, "words"), cage: "/mnt/my notes", mode: "ro" as const }];
  await hive.deploy("ada", { "agent.nix": "{ ... }: {\n  hyperhive = nothing;\n}\n" });
  expect(await hive.deploy("ben", { "agent.json": JSON.stringify({ mounts }) })).toMatchObject({ state: "deployed" });
  await hive.deploy("cy", {
    "flake.nix": '{ inputs.x.url = "path:/etc"; outputs = { self, x }: { nixosModules.default = ./agent.nix; }; }\n',
  });
  await hive.deploy("dan", madeBy("echo no such compiler; exit 3"));
  const checked = await migrate({ reviewed: read("ada", "cy", "dan") });
  expect(states(checked)).toEqual(["ada blocked", "ben blocked", "cy blocked", "dan ready", "eve ready"]);
  const built = await migrate({ what: "build" });
  expect(states(built)).toEqual(["ada blocked", "ben blocked", "cy blocked", "dan blocked", "eve built"]);
  const why = Object.fromEntries(built.agents.map(({ name, problems }) => [name, problems.join("\n")]));
  expect(why["ada"]).toMatch(/undefined variable 'nothing'[^]*agent\.nix:2/);
  expect(why["ben"]).toContain("/mnt/my notes cannot be a place in a container");
  expect(why["dan"]).toContain("no such compiler");
  // They all go on as they were.
  for (const { name } of built.agents) expect(hive.system.swarm.byName(name).phase.at).toBe("running");
});

test("an agent without the Nix files of a config is told which to propose", async () => {
  await hive.spawn("ada");
  const { id } = await hive.system.requests.proposeFiles({
    agent: "ada",
    files: [{ path: "agent.json", mode: "100644", base64: Buffer.from("{}").toString("base64") }],
    by: "operator",
  });
  await hive.system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  await hive.system.through(id);
  const { agents } = await migrate();
  expect(agents[0]?.problems[0]).toMatch(/^its config has no agent\.nix and no flake\.nix: propose it with those files/);
});

test("what was built is removed again, and a host that is not ready builds nothing", async () => {
  await hive.spawn("ada");
  await migrate({ what: "build" });
  expect(hive.links("ada")).toHaveLength(1);
  expect(states(await migrate({ what: "undo" }))).toEqual(["ada ready"]);
  expect(hive.links("ada")).toEqual([]);
  expect(await audited()).toEqual(["operator system_removed ada", "operator system_built ada"]);
  await hive.system.callAs(hive.system.operator, "destroy", { name: "ada" });
  expect((await migrate({ what: "undo", agents: ["ada"] })).agents).toEqual([]);
  expect((await migrate({ what: "undo" })).agents).toEqual([]);
  await hive.system.close();
  await hive.openBubblewrap(folder, ["this host is not NixOS: use another"]);
  expect((await migrate()).problems).toEqual(["this host is not NixOS: use another"]);
  await expect(migrate({ what: "build" })).rejects.toThrow("this host cannot run containers yet: this host is not NixOS");
});

test("where containers run, a build deploys the agents that are left, and nothing is undone", async () => {
  await hive.spawn("ada");
  await hive.system.close();
  await hive.open(undefined, folder);
  expect(states(await migrate())).toEqual(["ada ready"]);
  await expect(migrate({ what: "undo" })).rejects.toThrow("boot from their systems");
  expect(states(await migrate({ what: "build" }))).toEqual(["ada moved"]);
  expect(systemsOf("ada")).toBe("the system of ada\n");
  expect(readFileSync(join(hive.system.paths.meta, "flake.lock"), "utf8")).toContain('"agent-ada"');
});
