import { existsSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem } from "../../test/lib/system.ts";
import { check } from "./check.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "ledger-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a deploy that may be published is never undone: where the ledger cannot be read, the next daemon settles it", async () => {
  const world = await openTestSystem({ folder });
  const { meta } = world.repos;
  const publish = meta.publish.bind(meta);
  meta.publish = async (...given) => {
    await publish(...given);
    meta.contains = () => Promise.reject(new Error("EIO: the ledger cannot be read"));
    throw new Error("EIO: the answer was lost");
  };
  const { id } = await world.requests.spawn({ name: "ada", by: "operator", origin: "spawn" });
  await expect(world.deploys.settled(id)).rejects.toThrow("the ledger cannot be read");
  expect(world.requestStore.get(id).state).toBe("activating");
  await world.close();

  const next = await openTestSystem({ folder });
  expect(next.recovered).toEqual({ forward: [id], back: [] });
  expect(next.swarm.byName("ada").record.deployedRequest).toBe(id);
  expect((await check(next.context)).filter((one) => !one.ok)).toEqual([]);
  await next.close();
});

test("a checker that can read neither what was approved nor what was built does not call them equal", async () => {
  const world = await openTestSystem({ folder });
  await world.through((await world.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
  const ada = world.swarm.byName("ada");
  const generation = world.paths.agent(ada.id).generation(ada.generation);
  expect(existsSync(generation)).toBe(true);
  renameSync(generation, `${generation}.away`);
  const repo = world.repos.applied("ada");
  world.repos.applied = () => ({ ...repo, files: () => Promise.reject(new Error("EIO")) });
  const built = (await check(world.context)).find((one) => one.what.includes("what was built"));
  expect(built).toMatchObject({ ok: false });
  await world.close();
});
