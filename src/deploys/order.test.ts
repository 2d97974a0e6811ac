import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTestSystem, type TestSystem } from "../../test/lib/system.ts";
import { lifecycleHandlers } from "../daemon/handlers/lifecycle.ts";
import { HiveError } from "../wire/error.ts";

/**
 * Tests of the order of checks: a refusal names the problem of the request first, then the circumstances. Naming only
 * the circumstances would mislead.
 */

let system: TestSystem;
const ids = { deployed: 0, denied: 0, pending: 0 };
beforeAll(async () => {
  system = await openTestSystem();
  await system.firstStart();
  ids.deployed = (await system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" })).id;
  await system.through(ids.deployed);
  const ask = async (name: string) => (await system.requests.spawn({ name, by: "operator", origin: "request" })).id;
  ids.denied = await ask("bob");
  await system.decisions.deny(ids.denied, "no", "operator");
  ids.pending = await ask("carl");
  await system.allStop.stop({ graceful: false, by: "operator" });
});
afterAll(() => system.close());

const MISSING = 999_999;
const approve = (id: number) => system.decisions.approve(id, {}, { by: "operator", digestNeeded: false });
const running = () => system.swarm.byName("ada").record.deployedSha ?? "";

describe("while everything is stopped", () => {
  test.each<[string, () => Promise<unknown>, string]>([
    ["approve of a deployed request", () => approve(ids.deployed), "is deployed: there is nothing to approve"],
    ["approve of a denied request", () => approve(ids.denied), "was denied: there is nothing to approve"],
    ["approve of no request", () => approve(MISSING), "there is no request 999999"],
    ["approve of a pending request", () => approve(ids.pending), "stop all is in effect"],
    [
      "rollback of an unknown agent",
      () => system.requests.rollback("nobody", ids.deployed, "operator"),
      'agent "nobody" is not managed',
    ],
    ["rollback to no deploy", () => system.requests.rollback("ada", ids.denied, "operator"), "ada has no deploy"],
    ["rollback to what runs", () => system.requests.rollback("ada", ids.deployed, "operator"), "is what runs"],
    ["revive of a live agent", () => system.requests.revive("ada", "operator"), "ada is not destroyed"],
    ["rebuild", () => system.requests.rebuild(system.swarm.byName("ada"), "operator"), "stop all is in effect"],
    [
      "spawn of a name that is taken",
      () => system.requests.spawn({ name: "ada", by: "operator", origin: "spawn" }),
      "there is an agent ada already",
    ],
    [
      "spawn of a name that is requested",
      () => system.requests.spawn({ name: "carl", by: "operator", origin: "spawn" }),
      "for an agent carl waits already",
    ],
    [
      "deny of a deployed request",
      () => system.decisions.deny(ids.deployed, "no", "operator"),
      "is deployed: there is nothing to deny",
    ],
    ["cancel of a denied request", () => system.decisions.cancel(ids.denied, "hm1nd"), "was denied: there is nothing to cancel"],
    ["force of no request", async () => system.deploys.force(MISSING), "there is no request 999999"],
    ["force of a deployed request", async () => system.deploys.force(ids.deployed), "does not wait for a turn"],
  ])("%s", async (_, act, words) => {
    await expect(act()).rejects.toThrow(words);
  });
});

test("a problem of the request itself is reported before a full inbox", async () => {
  system.broker.checkMayAsk = () => {
    throw new HiveError("rate_limited", "your inbox is full");
  };
  const spawn = (name: string) => system.requests.spawn({ name, by: "hm1nd", origin: "request" });
  await expect(spawn("ada")).rejects.toThrow("there is an agent ada already");
  await expect(spawn("dora")).rejects.toThrow("your inbox is full");
  const about = { agent: "ada", by: "hm1nd", origin: "request" as const };
  await expect(system.requests.applyCommit({ ...about, commit: running() })).rejects.toThrow("this commit is what ada runs");
  await expect(system.requests.applyCommit({ ...about, commit: "0".repeat(40) })).rejects.toThrow("your inbox is full");
});

test.each([
  ["the manager", "hm1nd", "cannot be destroyed"],
  ["an agent that is only requested", "carl", "is not managed"],
])("a refused destroy of %s cancels no request", async (_, name, words) => {
  const asked =
    name === "carl"
      ? ids.pending
      : (
          await system.requests.proposeFiles({
            agent: name,
            files: [{ path: "agent.json", mode: "100644", base64: Buffer.from("{}").toString("base64") }],
            by: "operator",
          })
        ).id;
  system.backups.refuseWhileTaking = () => {
    throw new HiveError("conflict", "a backup is being taken");
  };
  const destroy = async () =>
    lifecycleHandlers.destroy(system.system, { name, purge: true }, {
      kind: "operator",
      operator: system.system.operators.host,
    } as never);
  await expect(destroy()).rejects.toThrow(words);
  expect(system.requestStore.get(asked).state).toBe("pending");
});
