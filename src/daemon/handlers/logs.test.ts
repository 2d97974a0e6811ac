import { expect, test } from "vitest";
import { openTestSystem } from "../../../test/lib/system.ts";
import { bwrapDriver } from "../../platforms/bwrap/driver.ts";

/** The log of the system in a cage, which only containers have. */

async function logsOf(systemLog?: (place: { agentId: string }, lines: number) => Promise<string[]>) {
  const driver = { ...bwrapDriver(), identityFor: () => ({ kind: "user-namespace" as const, uid: 0, gid: 0 }) };
  const system = await openTestSystem({ platform: { driver: { ...driver, ...(systemLog ? { systemLog } : {}) } } });
  try {
    const { id } = await system.swarm.createDraft("ada");
    const agent = system.swarm.byId(id);
    if (agent) system.swarm.publish(agent);
    return { id, answer: await system.callAs(system.operator, "logs", { name: "ada", lines: 7, system: true }) };
  } finally {
    await system.close();
  }
}

test("it is asked of the driver, for the agent and its number of lines", async () => {
  const { id, answer } = await logsOf(async ({ agentId }, lines) => [agentId, String(lines)]);
  expect(answer).toEqual({ lines: [id, "7"], position: 0 });
});

test("where cages boot no system, the answer says which log there is", async () => {
  await expect(logsOf()).rejects.toThrow(/the cage of ada boots no system: its log is .*logs ada/);
});
