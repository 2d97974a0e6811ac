import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "./lib/system.ts";

/** Configs that were deployed under earlier rules, and configs that cannot be read. */

let folder: string;
/** A folder of the host that configs mount. */
let corpus: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "deployed-config-"));
  corpus = mkdtempSync(join(tmpdir(), "corpus-"));
});
afterEach(() => {
  for (const one of [folder, corpus]) rmSync(one, { recursive: true, force: true });
});

const RESTRICTED = { allowedRecipients: ["scribe"], tools: { allow: [], deny: ["Bash"] } };

async function propose(world: TestSystem, text: string) {
  const files = [{ path: "agent.json", mode: "100644" as const, base64: Buffer.from(text).toString("base64") }];
  return world.requests.proposeFiles({ agent: "scout", files, by: "operator" });
}

/** Deploys this agent.json to scout under earlier rules, which accept it. */
async function deployUnder(world: TestSystem, text: string): Promise<void> {
  if (!world.swarm.find("scout"))
    await world.through((await world.requests.spawn({ name: "scout", by: "operator", origin: "spawn" })).id);
  const { review } = world.context;
  const { validate } = review;
  review.validate = () => [];
  const { id } = await propose(world, text);
  await world.requests.approve(id, {}, false);
  await world.through(id);
  review.validate = validate;
}

const deployedFile = (world: TestSystem): string => {
  const agent = world.swarm.byName("scout");
  return join(world.paths.agent(agent.id).generation(agent.record.generation), "agent.json");
};

test("a config that was valid when it was deployed still runs, with a warning, and can be rebuilt and rolled back to", async () => {
  const old = { ...RESTRICTED, secrets: ["TOKEN"], limits: { pids: 1 } };
  const first = await openTestSystem({ folder });
  await deployUnder(first, JSON.stringify(old));
  await first.close();

  const world = await openTestSystem({ folder });
  const scout = world.swarm.byName("scout");
  const { deployedRequest } = scout.record;
  expect(scout.config).toMatchObject(RESTRICTED);
  expect(scout.warnings).toEqual([expect.stringMatching(/secrets/), expect.stringMatching(/limits\.pids/)]);
  await world.commands.start(scout, "operator");
  expect(scout.state).toBe("idle");

  await world.through((await world.requests.rebuild(scout, "operator")).id);
  await deployUnder(world, "{}");
  expect(scout.config.allowedRecipients).toBeUndefined();
  const back = await world.requests.rollback("scout", deployedRequest ?? 0, "operator");
  await world.through(back.id);
  expect(scout.config).toMatchObject(RESTRICTED);
  expect((await propose(world, JSON.stringify({ ...old, model: "opus" }))).error).toMatch(/limits\.pids.*\n.*secrets/);
  await world.close();
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

  const world = await openTestSystem({ folder });
  const scout = world.swarm.byName("scout");
  await world.boot();
  expect(scout.state).toBe("failed");
  expect(scout.stateReason).toMatch(/^the deployed config cannot be read: agent\.json cannot be read: ./);
  expect(scout.config).toMatchObject({ allowedRecipients: [], egress: [] });
  await expect(world.commands.start(scout, "operator")).rejects.toThrow(/cannot be read.*Rebuild the agent/);
  expect(scout.state).toBe("failed");

  await world.through((await world.requests.rebuild(scout, "operator")).id);
  expect(scout.config).toMatchObject(RESTRICTED);
  expect(scout.state).toBe("idle");
  await world.close();
});

test("a config that cannot be read reaches no cage, even if earlier rules accepted it", async () => {
  const world = await openTestSystem({ folder });
  await deployUnder(world, JSON.stringify(RESTRICTED));
  await expect(deployUnder(world, "{")).rejects.toThrow(/the deployed config cannot be read: agent\.json cannot be read/);
  const scout = world.swarm.byName("scout");
  expect(scout.unreadable).toBeUndefined();
  expect(scout.config).toMatchObject(RESTRICTED);
  await world.close();
});

test("mounts are tested for the request and again at the build; a config that already runs starts without them", async () => {
  const world = await openTestSystem({ folder });
  await deployUnder(world, "{}");
  const tried: (string | undefined)[] = [];
  let problem: string | undefined;
  world.context.mounts.tryAll = async (agent, mounts) => {
    tried.push(agent?.name);
    return mounts.map((mount) => ({ mount, problem }));
  };
  const text = JSON.stringify({ mounts: [{ host: corpus, cage: "/corpus" }] });

  const good = await propose(world, text);
  expect(JSON.parse(good.risks)).toContainEqual(
    expect.objectContaining({ level: "info", text: `mount ${corpus}: readable as the agent, tried on this host` }),
  );
  problem = `mounts: ${corpus} cannot be read`;
  await world.requests.approve(good.id, {}, false);
  await expect(world.through(good.id)).rejects.toThrow(problem);
  expect(tried).toEqual(["scout", "scout"]);
  expect(await propose(world, `${text}\n`)).toMatchObject({ state: "failed", error: problem });
  const spawn = world.requests.spawn({
    name: "critic",
    config: { mounts: [{ host: corpus, cage: "/corpus", mode: "ro" }] },
    by: "operator",
    origin: "request",
  });
  await expect(spawn).rejects.toThrow(problem);

  problem = undefined;
  const again = await propose(world, `${text}\n\n`);
  await world.requests.approve(again.id, {}, false);
  await world.through(again.id);
  problem = `mounts: ${corpus} cannot be read`;
  await world.through((await world.requests.rebuild(world.swarm.byName("scout"), "operator")).id);
  await world.close();
});

test("an id map is shown before it is approved, kept by a config that ran with it, and never used without approval", async () => {
  const world = await openTestSystem({ folder });
  await deployUnder(world, "{}");
  const owner = { uid: 4242, gid: 4343 };
  const asked: unknown[] = [];
  world.context.mounts.userName = async () => "ada";
  /** As if the folder could be written only through an id map. */
  world.context.mounts.tryAll = async (_, mounts, approved) => {
    asked.push(approved);
    return mounts.map((mount) => {
      if (approved === undefined) return { mount, problem: undefined, owner };
      return { mount, problem: undefined, owner: approved[mount.cage] };
    });
  };
  const ownersOf = (id: number | undefined) => world.store.approvals.byId(id ?? 0)?.mount_owners;
  const mounts = [{ host: corpus, cage: "/corpus", mode: "rw" }];
  const mapped = JSON.stringify({ "/corpus": owner });

  const first = await propose(world, JSON.stringify({ mounts }));
  expect(JSON.parse(first.risks)).toContainEqual({
    level: "warn",
    kind: "mount",
    text: `mount ${corpus}: writable as the agent through an id map: files it makes belong to ada, uid 4242, gid 4343`,
    path: "agent.json",
  });
  await world.requests.approve(first.id, {}, false);
  await world.through(first.id);
  expect(asked).toEqual([undefined, { "/corpus": owner }]);
  expect(ownersOf(first.id)).toBe(mapped);

  // A further change of the same config does not report it again. A rebuild and a rollback keep it.
  const second = await propose(world, JSON.stringify({ mounts, model: "opus" }));
  expect(second.risks).not.toContain("id map");
  const rebuilt = await world.requests.rebuild(world.swarm.byName("scout"), "operator");
  await world.through(rebuilt.id);
  expect(ownersOf(rebuilt.id)).toBe(mapped);

  // A folder that was once writable by its mode: the id map that it now needs is a new risk, and the running config
  // stays without one.
  world.context.mounts.tryAll = async (_, all) => all.map((mount) => ({ mount, problem: undefined }));
  const open = await propose(world, JSON.stringify({ mounts, model: "haiku" }));
  await world.requests.approve(open.id, {}, false);
  await world.through(open.id);
  world.context.mounts.tryAll = async (_, all) => all.map((mount) => ({ mount, problem: undefined, owner }));
  expect((await propose(world, JSON.stringify({ mounts, model: "sonnet" }))).risks).toContain(
    "belong to ada, uid 4242, gid 4343",
  );
  const again = await world.requests.rebuild(world.swarm.byName("scout"), "operator");
  await world.through(again.id);
  expect(ownersOf(again.id)).toBeNull();
  const back = await world.requests.rollback("scout", first.id, "operator");
  await world.through(back.id);
  expect(ownersOf(back.id)).toBe(mapped);
  await world.close();
});
