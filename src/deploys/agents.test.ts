import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { check } from "./check.ts";

/** Deploys of several agents, and what they mean for the agent: its model, and its end. */

let system: TestSystem;
/** Holds deploys before their new generations are activated, until it is resolved. */
let gate: PromiseWithResolvers<void> | undefined;
/** Deploys that have been at the gate. */
let held = 0;
let models = 0;
beforeAll(async () => {
  system = await openTestSystem({
    async failpoint(name) {
      if (name !== "before:activate" || !gate) return;
      held++;
      await gate.promise;
    },
  });
  await system.firstStart();
  for (const name of ["ada", "bob"]) await call("spawn", { name });
});
afterEach(async () => {
  // A test that has failed may have left it.
  gate?.resolve();
  expect((await check(system.context)).flatMap((one) => one.problems)).toEqual([]);
  expect(system.unexpected).toEqual([]);
  gate = undefined;
  held = 0;
});
afterAll(() => system.close());

const call: <N extends Parameters<TestSystem["callAs"]>[1]>(
  name: N,
  input: Parameters<typeof system.callAs<N>>[2],
) => ReturnType<typeof system.callAs<N>> = (name, input) => system.callAs(system.operator, name, input);
async function propose(agent: string, config: object = { model: `model-${++models}` }): Promise<number> {
  const base64 = Buffer.from(JSON.stringify(config)).toString("base64");
  return (await call("propose", { agent, files: [{ path: "agent.json", mode: "100644", base64 }] })).request;
}
const stateOf = (id: number) => system.requestStore.get(id);
const bob = () => system.swarm.byName("bob");

test("deploys of different agents run in parallel and both succeed; those of one agent run one after the other", async () => {
  gate = Promise.withResolvers();
  const ids = [await propose("ada"), await propose("bob"), await propose("ada")];
  for (const id of ids) await call("approve", { id });
  // Both are between two steps at the same time, and ada's second one has not begun.
  await expect.poll(() => held).toBe(2);
  expect(ids.map((id) => stateOf(id).state)).toEqual(["waiting", "waiting", "approved"]);
  gate.resolve();
  const [one, two, next] = await Promise.all(ids.map((id) => system.deploys.finished(id)));
  expect([one?.state, two?.state]).toEqual(["deployed", "deployed"]);
  // It was approved against the previous commit, which the deploy before it has replaced.
  expect(next).toMatchObject({ state: "failed", error: expect.stringContaining("what runs has changed since the approval") });
});

test("the operator's model applies until a deploy changes the config's", async () => {
  await call("model", { name: "bob", model: "opus" });
  await system.through((await call("rebuild", { name: "bob" })).request);
  expect(bob().model).toBe("opus");
  const id = await propose("bob", { model: "haiku" });
  await call("approve", { id });
  await system.through(id);
  expect(bob().model).toBe("haiku");
});

test("an agent that is being deployed cannot be destroyed; its waiting requests are cancelled; a purge frees everything", async () => {
  gate = Promise.withResolvers();
  const waiting = await propose("bob");
  const busy = await propose("bob");
  await call("approve", { id: busy });
  await expect.poll(() => stateOf(busy).state).toBe("waiting");
  await expect(call("destroy", { name: "bob" })).rejects.toThrow(`request ${busy} is being deployed`);
  expect(stateOf(waiting).state).toBe("pending");
  gate.resolve();
  await system.through(busy);
  await call("destroy", { name: "bob" });
  expect(stateOf(waiting)).toMatchObject({ state: "cancelled", resolved_by: "system" });
  await call("revive", { name: "bob" });
  expect((await check(system.context)).flatMap((one) => one.problems)).toEqual([]);
  await call("destroy", { name: "bob", purge: true });
  const { inputs } = await call("meta", {});
  expect(inputs.map((input) => input.name)).toEqual(["hyperhive", "agent-hm1nd", "agent-ada"]);
  await call("spawn", { name: "bob" });
});
