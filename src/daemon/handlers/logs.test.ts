import { expect, test } from "vitest";
import { openTestSystem } from "../../../test/lib/system.ts";
import { bwrapDriver } from "../../platforms/bwrap/driver.ts";
import type { Driver } from "../../platforms/port.ts";
import type { Agent } from "../../agents/agent.ts";
import { systemLogOf } from "../system-log.ts";

/** The log of the system in a cage, which only containers have. */

const containers: Pick<Driver, "systemLog" | "followSystemLog"> = {
  systemLog: async ({ agentId }, lines) => [agentId, String(lines)],
  async *followSystemLog({ agentId }, lines) {
    yield [agentId, String(lines)];
    yield ["and more"];
  },
};

async function systemOf(logs: typeof containers) {
  const driver = { ...bwrapDriver(), identityFor: () => ({ kind: "user-namespace" as const, uid: 0, gid: 0 }) };
  const system = await openTestSystem({ platform: { driver: { ...driver, ...logs } } });
  const { id } = await system.swarm.createDraft("ada");
  const agent = system.swarm.byId(id);
  if (agent) system.swarm.publish(agent);
  return { system, id };
}

test("it is asked of the driver, for the agent and its number of lines, and followed", async () => {
  const { system, id } = await systemOf(containers);
  try {
    const answer = await system.callAs(system.operator, "logs", { name: "ada", lines: 7, system: true });
    expect(answer).toEqual({ lines: [id, "7"], position: 0 });
    const parts: unknown[] = [];
    const journal = system.call("journal", { name: "ada", lines: 7 } as never, system.operator);
    for await (const part of journal as AsyncIterable<object>) parts.push(part);
    expect(parts).toEqual([{ lines: [id, "7"] }, { lines: ["and more"] }]);
  } finally {
    await system.close();
  }
});

test("one operator follows two at once, and leaves room for the others", async () => {
  const log = systemLogOf(containers, { place: ({ id }: Agent) => ({ agentId: id }) } as never);
  const never = new AbortController().signal;
  const follow = (operator: string) => {
    if (!log) throw new Error("there is no log");
    return log.follow({ id: "a1" } as Agent, 7, operator, never)[Symbol.asyncIterator]();
  };
  const first = follow("bob");
  const second = follow("bob");
  for (const one of [first, second]) expect(await one.next()).toMatchObject({ value: ["a1", "7"] });
  await expect(follow("bob").next()).rejects.toThrow("you follow 2 journals of containers, which is the most: end one of them");
  expect(await follow("eve").next()).toMatchObject({ done: false });
  await first.return?.();
  expect(await follow("bob").next()).toMatchObject({ done: false });
});

test("where cages boot no system, the answer says which log there is", async () => {
  const { system } = await systemOf({});
  try {
    const words = /the cage of ada boots no system: its log is .*logs ada/;
    await expect(system.callAs(system.operator, "logs", { name: "ada", lines: 7, system: true })).rejects.toThrow(words);
    const journal = system.call("journal", { name: "ada", lines: 7 } as never, system.operator) as AsyncIterable<object>;
    await expect(journal[Symbol.asyncIterator]().next()).rejects.toThrow(words);
  } finally {
    await system.close();
  }
});
