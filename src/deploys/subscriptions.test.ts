import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { recordCommitted } from "../agents/records.ts";
import { PROTOCOL } from "../wire/harness.ts";

/** What deploys do after one another, and when something happens to an agent or to the hive. */

let world: TestSystem;
/** Holds the next deploy before its new generation is activated. */
let gate: PromiseWithResolvers<void> | undefined;
beforeEach(async () => {
  gate = undefined;
  world = await openTestSystem({
    async failpoint(name) {
      if (name === "before:activate") await gate?.promise;
    },
  });
  await world.through((await world.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterEach(() => world.close());

const ada = () => world.swarm.byName("ada");
/** Makes ada's deployed hyperhive another one than this. */
const outdate = (): void => recordCommitted(ada(), { hyperhive: "r0" });
const untilUpdated = () => vi.waitFor(() => expect(ada().record.hyperhive).toBe("r1"));
const hello = (generation: number) =>
  world.harnesses.hello(
    ada(),
    { protocol: PROTOCOL, instance: "i1", revision: "r1", generation, resident_servers: 0, busy: false, leases: [] },
    { push: () => false, ended: new AbortController().signal },
  );

test("a deploy leaves the generation that runs and no other, and the manager is spawned at the first start alone", async () => {
  await world.through((await world.requests.rebuild(ada(), "operator")).id);
  const { generation, id } = ada().record;
  expect(readdirSync(dirname(world.paths.agent(id).generation(generation)))).toEqual([`${generation}`]);
  await world.firstStart();
  const { deployedRequest } = world.swarm.byName("hm1nd").record;
  await world.firstStart();
  expect(world.swarm.byName("hm1nd").record.deployedRequest).toBe(deployedRequest);
  expect(world.unexpected).toEqual([]);
});

test("a deploy that the ledger does not hold yet is given up when everything is stopped", async () => {
  gate = Promise.withResolvers();
  const { id } = await world.requests.rebuild(ada(), "operator");
  await vi.waitFor(() => expect(world.requestStore.get(id).state).toBe("waiting"));
  await world.allStop.stop({ graceful: false, by: "operator" });
  gate.resolve();
  await expect(world.through(id)).rejects.toThrow("everything was stopped before the deploy was done");
});

test("an agent that has become outdated is rebuilt when everything is started again", async () => {
  await world.allStop.stop({ graceful: false, by: "operator" });
  outdate();
  await world.allStop.startWhatRan("operator");
  await untilUpdated();
});

test("an agent whose harness is outdated is rebuilt between two turns", async () => {
  outdate();
  world.context.bus.emit("harness_outdated", ada());
  await untilUpdated();
});

test("a harness of another generation is shown as drift when it says hello", async () => {
  const { generation } = ada();
  await hello(generation + 1);
  await vi.waitFor(() => expect(ada().drift).toBe(`generation ${generation + 1} runs, and ${generation} is what was deployed`));
});
