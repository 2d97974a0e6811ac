import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "./lib/system.ts";

/** Configs that were deployed under earlier rules, and configs that cannot be read. */

/** A hive with scout, of which each test has a copy. */
let made: string;
let folder: string;
/** A folder of the host that configs mount. */
let corpus: string;
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), "deployed-config-"));
  const system = await openTestSystem({ folder: made });
  await system.through((await system.requests.spawn({ name: "scout", by: "operator", origin: "spawn" })).id);
  await system.close();
});
afterAll(() => rmSync(made, { recursive: true, force: true }));
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deployed-config-"));
  cpSync(made, folder, { recursive: true, verbatimSymlinks: true });
  corpus = mkdtempSync(join(tmpdir(), "corpus-"));
});
afterEach(() => {
  for (const one of [folder, corpus]) rmSync(one, { recursive: true, force: true });
});

const RESTRICTED = { allowedRecipients: ["scribe"], tools: { allow: [], deny: ["Bash"] } };

async function propose(system: TestSystem, text: string) {
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from(text).toString("base64") }];
  return system.requests.proposeFiles({ agent: "scout", files, by: "operator" });
}

/** Deploys this agent.json to scout under earlier rules, which accept it. */
async function deployUnder(system: TestSystem, text: string): Promise<void> {
  const { review } = system.context;
  const { validate } = review;
  review.validate = () => [];
  const { id } = await propose(system, text);
  await system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
  await system.through(id);
  review.validate = validate;
}

const deployedFile = (system: TestSystem): string => {
  const agent = system.swarm.byName("scout");
  return join(system.paths.agent(agent.id).generation(agent.record.generation), "agent.json");
};

test("a config that was valid when it was deployed still runs, with a warning, and can be rebuilt and rolled back to", async () => {
  const old = { ...RESTRICTED, egress: ["localhost"], limits: { pids: 1 } };
  const first = await openTestSystem({ folder });
  await deployUnder(first, JSON.stringify(old));
  await first.close();

  const system = await openTestSystem({ folder });
  const scout = system.swarm.byName("scout");
  const { deployedRequest } = scout.record;
  expect(scout.config).toMatchObject(RESTRICTED);
  expect(scout.warnings).toEqual([expect.stringMatching(/egress/), expect.stringMatching(/limits\.pids/)]);
  await system.commands.start(scout, "operator");
  expect(scout.state).toBe("idle");

  await system.through((await system.requests.rebuild(scout, "operator")).id);
  await deployUnder(system, "{}");
  expect(scout.config.allowedRecipients).toBeUndefined();
  const back = await system.requests.rollback("scout", deployedRequest ?? 0, "operator");
  await system.through(back.id);
  expect(scout.config).toMatchObject(RESTRICTED);
  expect((await propose(system, JSON.stringify({ ...old, model: "opus" }))).error).toMatch(/egress.*\n.*limits\.pids/);
  await system.close();
});

test.each<[string, string]>([
  ["is cut off", `{"allowedRecipients": ["scr`],
  ["has another type", `{"tools": "none"}`],
  ["has a restriction of another version", `{"neverAfter": "18:00"}`],
])("an agent whose deployed agent.json %s is stopped with an error, and a rebuild starts it again", async (_, text) => {
  const first = await openTestSystem({ folder });
  await deployUnder(first, JSON.stringify(RESTRICTED));
  writeFileSync(deployedFile(first), text);
  await first.close();

  const system = await openTestSystem({ folder });
  const scout = system.swarm.byName("scout");
  await system.boot();
  expect(scout.state).toBe("failed");
  expect(scout.stateReason).toMatch(/^the deployed config cannot be read: agent\.json cannot be read: ./);
  expect(scout.config).toMatchObject({ allowedRecipients: [], egress: [] });
  await expect(system.commands.start(scout, "operator")).rejects.toThrow(/cannot be read.*Rebuild the agent/);
  expect(scout.state).toBe("failed");

  await system.through((await system.requests.rebuild(scout, "operator")).id);
  expect(scout.config).toMatchObject(RESTRICTED);
  expect(scout.state).toBe("idle");
  await system.close();
});

test("a config that cannot be read reaches no cage, even if earlier rules accepted it", async () => {
  const system = await openTestSystem({ folder });
  await deployUnder(system, JSON.stringify(RESTRICTED));
  await expect(deployUnder(system, "{")).rejects.toThrow(/the deployed config cannot be read: agent\.json cannot be read/);
  const scout = system.swarm.byName("scout");
  expect(scout.unreadable).toBeUndefined();
  expect(scout.config).toMatchObject(RESTRICTED);
  await system.close();
});

test("mounts are tested for the request and again at the build; a config that already runs starts without them", async () => {
  const system = await openTestSystem({ folder });
  await deployUnder(system, "{}");
  const tried: (string | undefined)[] = [];
  let problem: string | undefined;
  system.context.mounts.tryAll = async (agent, mounts) => {
    tried.push(agent?.name);
    return mounts.map((mount) => ({ mount, problem }));
  };
  const text = JSON.stringify({ mounts: [{ host: corpus, cage: "/corpus" }] });

  const good = await propose(system, text);
  expect(JSON.parse(good.risks)).toContainEqual(
    expect.objectContaining({ level: "info", text: `mount ${corpus}: readable as the agent, tried on this host` }),
  );
  problem = `mounts: ${corpus} cannot be read`;
  await system.decisions.approve(good.id, {}, { by: "operator", digestNeeded: false });
  await expect(system.through(good.id)).rejects.toThrow(problem);
  expect(tried).toEqual(["scout", "scout"]);
  expect(await propose(system, `${text}\n`)).toMatchObject({ state: "failed", error: problem });
  const spawn = system.requests.spawn({
    name: "critic",
    config: { mounts: [{ host: corpus, cage: "/corpus", mode: "ro" }] },
    by: "operator",
    origin: "request",
  });
  await expect(spawn).rejects.toThrow(problem);

  problem = undefined;
  const again = await propose(system, `${text}\n\n`);
  await system.decisions.approve(again.id, {}, { by: "operator", digestNeeded: false });
  await system.through(again.id);
  problem = `mounts: ${corpus} cannot be read`;
  await system.through((await system.requests.rebuild(system.swarm.byName("scout"), "operator")).id);
  await system.close();
});

test("an id map is shown before it is approved, kept by a config that ran with it, and never used without approval", async () => {
  const system = await openTestSystem({ folder });
  await deployUnder(system, "{}");
  const owner = { uid: 4242, gid: 4343 };
  const asked: unknown[] = [];
  system.context.mounts.userName = async () => "ada";
  /** As if the folder could be written only through an id map. */
  system.context.mounts.tryAll = async (_, mounts, approved) => {
    asked.push(approved);
    return mounts.map((mount) => {
      if (approved === undefined) return { mount, problem: undefined, owner };
      return { mount, problem: undefined, owner: approved[mount.cage] };
    });
  };
  const ownersOf = (id: number | undefined) => system.store.approvals.byId(id ?? 0)?.mount_owners;
  const mounts = [{ host: corpus, cage: "/corpus", mode: "rw" }];
  const mapped = JSON.stringify({ "/corpus": owner });

  const first = await propose(system, JSON.stringify({ mounts }));
  expect(JSON.parse(first.risks)).toContainEqual({
    level: "warn",
    kind: "mount",
    text: `mount ${corpus}: writable as the agent through an id map: files it makes belong to ada, uid 4242, gid 4343`,
    path: "agent.json",
  });
  await system.decisions.approve(first.id, {}, { by: "operator", digestNeeded: false });
  await system.through(first.id);
  expect(asked).toEqual([undefined, { "/corpus": owner }]);
  expect(ownersOf(first.id)).toBe(mapped);

  // A further change of the same config does not report it again. A rebuild and a rollback keep it.
  const second = await propose(system, JSON.stringify({ mounts, model: "opus" }));
  expect(second.risks).not.toContain("id map");
  const rebuilt = await system.requests.rebuild(system.swarm.byName("scout"), "operator");
  await system.through(rebuilt.id);
  expect(ownersOf(rebuilt.id)).toBe(mapped);

  // A folder that was once writable by its mode: the id map that it now needs is a new risk, and the running config
  // stays without one.
  system.context.mounts.tryAll = async (_, all) => all.map((mount) => ({ mount, problem: undefined }));
  const open = await propose(system, JSON.stringify({ mounts, model: "haiku" }));
  await system.decisions.approve(open.id, {}, { by: "operator", digestNeeded: false });
  await system.through(open.id);
  system.context.mounts.tryAll = async (_, all) => all.map((mount) => ({ mount, problem: undefined, owner }));
  expect((await propose(system, JSON.stringify({ mounts, model: "sonnet" }))).risks).toContain(
    "belong to ada, uid 4242, gid 4343",
  );
  const again = await system.requests.rebuild(system.swarm.byName("scout"), "operator");
  await system.through(again.id);
  expect(ownersOf(again.id)).toBeNull();
  const back = await system.requests.rollback("scout", first.id, "operator");
  await system.through(back.id);
  expect(ownersOf(back.id)).toBe(mapped);
  await system.close();
});
