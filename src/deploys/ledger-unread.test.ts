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

test("a deploy that may be published is not undone: if the ledger cannot be read, the next daemon finishes it", async () => {
  const system = await openTestSystem({ folder });
  const { meta } = system.repos;
  const publish = meta.publish.bind(meta);
  meta.publish = async (...given) => {
    await publish(...given);
    meta.contains = () => Promise.reject(new Error("EIO: the ledger cannot be read"));
    throw new Error("EIO: the answer was lost");
  };
  const { id } = await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" });
  await expect(system.deploys.finished(id)).rejects.toThrow("the ledger cannot be read");
  expect(system.requestStore.get(id).state).toBe("activating");
  await system.close();

  const next = await openTestSystem({ folder });
  expect(next.recovered).toEqual({ forward: [id], back: [] });
  expect(next.swarm.byName("ada").record.deployedRequest).toBe(id);
  expect((await check(next.context)).filter((one) => !one.ok)).toEqual([]);
  await next.close();
});

test("the check does not call the approved and the built config equal if it can read neither", async () => {
  const system = await openTestSystem({ folder });
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
  const ada = system.swarm.byName("ada");
  const generation = system.paths.agent(ada.id).generation(ada.generation);
  expect(existsSync(generation)).toBe(true);
  renameSync(generation, `${generation}.away`);
  const repo = system.repos.applied("ada");
  system.repos.applied = () => ({ ...repo, files: () => Promise.reject(new Error("EIO")) });
  const built = (await check(system.context)).find((one) => one.invariant === 2);
  expect(built).toMatchObject({ ok: false });
  await system.close();
});
