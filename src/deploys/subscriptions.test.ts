import { readdirSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { recordCommitted } from "../agents/records.ts";
import { PROTOCOL } from "../wire/harness.ts";

/** Tests of what deploys do one after another, and on events of an agent or the hive. */

let system: TestSystem;
/** Holds the next deploy before its new generation is activated. */
let gate: PromiseWithResolvers<void> | undefined;
beforeEach(async () => {
  gate = undefined;
  system = await openTestSystem({
    async failpoint(name) {
      if (name === "before:activate") await gate?.promise;
    },
  });
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
});
afterEach(() => system.close());

const ada = () => system.swarm.byName("ada");
/** Gives ada a deployed hyperhive other than the current one. */
const outdate = (): void => recordCommitted(ada(), { hyperhive: "r0" });
const untilUpdated = () => expect.poll(() => ada().record.hyperhive).toBe("r1");
const hello = (generation: number) =>
  system.harnesses.hello(
    ada(),
    { protocol: PROTOCOL, instance: "i1", revision: "r1", generation, resident_servers: 0, busy: false, leases: [] },
    { push: () => false, ended: new AbortController().signal },
  );

test("a deploy keeps only the running generation, and the manager is spawned only at the first start", async () => {
  await system.through((await system.requests.rebuild(ada(), "operator")).id);
  const { generation, id } = ada().record;
  expect(readdirSync(dirname(system.paths.agent(id).generation(generation)))).toEqual([`${generation}`]);
  await system.firstStart();
  const { deployedRequest } = system.swarm.byName("hm1nd").record;
  await system.firstStart();
  expect(system.swarm.byName("hm1nd").record.deployedRequest).toBe(deployedRequest);
  expect(system.unexpected).toEqual([]);
});

test("a deploy that the ledger does not contain yet is abandoned when everything is stopped", async () => {
  gate = Promise.withResolvers();
  const { id } = await system.requests.rebuild(ada(), "operator");
  await expect.poll(() => system.requestStore.get(id).state).toBe("waiting");
  await system.allStop.stop({ graceful: false, by: "operator" });
  gate.resolve();
  await expect(system.through(id)).rejects.toThrow("everything was stopped before the deploy was done");
});

test("an agent that has become outdated is rebuilt when everything is started again", async () => {
  await system.allStop.stop({ graceful: false, by: "operator" });
  outdate();
  await system.allStop.startWhatRan("operator");
  await untilUpdated();
});

test("an agent whose harness is outdated is rebuilt between two turns", async () => {
  outdate();
  system.context.bus.emit("harness_outdated", ada());
  await untilUpdated();
});

test("with automatic updates switched off an outdated agent is rebuilt on request only", async () => {
  await system.close();
  system = await openTestSystem({ settings: { HIVE_AUTO_UPDATE: "off" } });
  await system.through((await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id);
  await system.through((await system.requests.spawn({ name: "bob", by: "operator", origin: "spawn" })).id);
  outdate();
  system.context.bus.emit("harness_outdated", ada());
  system.autoUpdate.queueAllStale();
  // Updates are made one at a time, so ada's would come before bob's.
  await system.autoUpdate.ask(system.swarm.byName("bob"), "operator", { always: true });
  expect(ada().record.hyperhive).toBe("r0");
  await system.autoUpdate.ask(ada(), "operator");
  expect(ada().record.hyperhive).toBe("r1");
});

test("a harness of another generation is shown as drift when it says hello", async () => {
  const { generation } = ada();
  await hello(generation + 1);
  await expect.poll(() => ada().drift).toBe(`generation ${generation + 1} runs, and ${generation} is what was deployed`);
});
