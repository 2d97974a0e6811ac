import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import type { Agent } from "../agents/agent.ts";
import { OPERATOR } from "../wire/names.ts";

let system: TestSystem;
let scout: Agent;
let work: string;
let dropped: string;
beforeAll(async () => {
  system = await openTestSystem();
  await system.work.start();
  await system.work.repositories.create("web", {});
  const asked = { name: "scout", config: { repos: [{ name: "web" }] } as never, by: OPERATOR, origin: "spawn" as const };
  await system.deploys.finished((await system.requests.spawn(asked)).id);
  scout = system.system.swarm.byName("scout");
  ({ work, dropped } = system.paths.agent(scout.id));
  for (const name of ["web", "gone", ".hive", "Not a name"]) mkdirSync(join(work, name), { recursive: true });
  writeFileSync(join(work, "gone/file"), "x".repeat(20_000));
  writeFileSync(join(work, "file"), "");
});
afterAll(() => system.close());

const repos = async (): Promise<string[]> => (await system.work.workspaces.list([scout])).map(({ repo }) => repo);

test("workspaces are listed with their sizes, and only folders with the name of a repository", async () => {
  symlinkSync("/", join(work, "root"));
  const [gone, web, ...more] = await system.work.workspaces.list(system.system.swarm.all());
  expect(web).toMatchObject({ agent: "scout", repo: "web", in_config: true });
  expect(gone).toMatchObject({ agent: "scout", repo: "gone", in_config: false });
  expect(gone?.bytes).toBeGreaterThanOrEqual(20_000);
  expect(more).toEqual([]);
});

test("a list of what an agent has made is bounded", async () => {
  for (let n = 0; n < 110; n++) mkdirSync(join(work, `many-${n}`));
  expect(await repos()).toHaveLength(100);
  for (let n = 0; n < 110; n++) await system.work.workspaces.drop(scout, `many-${n}`, "operator");
  expect(await repos()).toEqual(["gone", "web"]);
});

test("a workspace in use is not dropped, nor what is no folder", async () => {
  await expect(system.work.workspaces.drop(scout, "web", "operator")).rejects.toThrow("scout works in its workspace web");
  await expect(system.work.workspaces.drop(scout, "none", "operator")).rejects.toThrow("scout has no workspace none");
  const victim = join(system.paths.state, "victim");
  mkdirSync(victim);
  writeFileSync(join(victim, "keep"), "");
  symlinkSync(victim, join(work, "linked"));
  await expect(system.work.workspaces.drop(scout, "linked", "operator")).rejects.toThrow("scout has no workspace linked");
  expect(existsSync(join(victim, "keep"))).toBe(true);
});

test("a dropped workspace is gone with what was unwritable in it, and links in it lead nowhere", async () => {
  const victim = join(system.paths.state, "outside");
  mkdirSync(victim);
  writeFileSync(join(victim, "keep"), "kept", { mode: 0o400 });
  symlinkSync(victim, join(work, "gone/link"));
  symlinkSync(join(victim, "keep"), join(work, "gone/keep"));
  mkdirSync(join(work, "gone/locked"));
  writeFileSync(join(work, "gone/locked/file"), "");
  chmodSync(join(work, "gone/locked"), 0o000);
  // What a daemon that was killed has left does not stand in the way.
  mkdirSync(join(dropped, "gone"), { recursive: true });
  await Promise.all([
    system.work.workspaces.drop(scout, "gone", "operator"),
    expect(system.work.workspaces.drop(scout, "gone", "operator")).rejects.toThrow("no workspace"),
  ]);
  expect(existsSync(join(work, "gone"))).toBe(false);
  expect(existsSync(dropped)).toBe(false);
  expect(readFileSync(join(victim, "keep"), "utf8")).toBe("kept");
  const [line] = system.system.store.ledger.audited({ kind: "workspace_dropped", before: Number.MAX_SAFE_INTEGER, limit: 1 });
  expect(line).toMatchObject({ actor: OPERATOR, agent: scout.name, detail: JSON.stringify({ repo: "gone" }) });

  mkdirSync(join(dropped, "left"), { recursive: true });
  await system.work.workspaces.open();
  expect(existsSync(dropped)).toBe(false);
});
