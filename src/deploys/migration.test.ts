import { existsSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { Migration, type MigrationTarget } from "./migration.ts";

const run = { by: "operator", signal: new AbortController().signal, tell() {} };

const openMigration = (system: TestSystem, target: Partial<MigrationTarget> | undefined, problems: string[] = []): Migration =>
  new Migration({
    driver: "bwrap",
    openTarget: () =>
      target && ({ isHere: false, isBuilt: () => false, ledger: system.repos.meta, ...target } as MigrationTarget),
    host: async () => ({ problems, warnings: [] }),
    repos: system.repos,
    swarm: system.swarm,
    markNixRead() {},
    store: system.store,
    paths: system.system.paths,
    bytesOnDisk: async () => undefined,
    rebuild: async () => undefined,
    now: Date.now,
  });
const spawn = async (system: TestSystem, name: string): Promise<void> =>
  system.through((await system.requests.spawn({ name, by: "operator", origin: "spawn" })).id);

test("without the flake an agent is not called ready, because nothing is known of its system", async () => {
  const system = await openTestSystem();
  try {
    await spawn(system, "scout");
    const migration = openMigration(system, undefined, ["the flake is not known"]);
    const { agents } = await migration.check(system.swarm.all(), run);
    expect(agents).toMatchObject([
      { name: "scout", state: "blocked", problems: [expect.stringContaining("could not be checked, because the flake")] },
    ]);
  } finally {
    await system.close();
  }
});

test("an undo evaluates nothing, succeeds on a host that is not ready, and takes what destroyed agents have", async () => {
  const system = await openTestSystem();
  try {
    for (const name of ["scout", "gone"]) await spawn(system, name);
    const links = ["scout", "gone"].map((name) => {
      const { id, record } = system.swarm.byName(name);
      return system.system.paths.agent(id).system(record.generation);
    });
    for (const link of links) writeFileSync(link, "");
    await system.system.commands.destroy("gone", { purge: false, by: "operator" });
    const evaluate = () => Promise.reject(new Error("it was evaluated"));
    const migration = openMigration(system, { evaluate }, ["this host is not NixOS"]);
    const { agents, problems } = await migration.undo(system.swarm.allWithDestroyed(), run);
    expect(links.map((link) => existsSync(link))).toEqual([false, false]);
    expect(problems).toEqual([]);
    expect(agents).toMatchObject([{ name: "scout", state: "ready", problems: [] }]);
  } finally {
    await system.close();
  }
});

test("the end of the daemon ends a check that evaluates", async () => {
  const system = await openTestSystem();
  try {
    await spawn(system, "scout");
    const begun = Promise.withResolvers<void>();
    const evaluate: MigrationTarget["evaluate"] = ({ signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
        begun.resolve();
      });
    const migration = openMigration(system, { evaluate });
    const checked = migration.check(system.swarm.all(), run).catch(String);
    await begun.promise;
    await migration.stop();
    expect(await checked).toContain("the daemon was stopped");
  } finally {
    await system.close();
  }
});
