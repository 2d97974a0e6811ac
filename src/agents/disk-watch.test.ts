import { expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { openBus } from "../../test/lib/bus.ts";
import { onUnexpected } from "../../test/lib/unexpected.ts";
import { Paths } from "../lib/paths.ts";
import { Agent, stateOf } from "./agent.ts";
import { DiskWatch, writableFolders } from "./disk-watch.ts";

const MIB = 1024 * 1024;

const agentOf = (name: string): Agent =>
  new Agent({ id: name, name } as never, {
    config: AgentConfig.parse({ limits: { disk_mib: 100 } }),
    instructions: "",
    warnings: [],
  });

test("an agent near its limit gets a warning until it has room, one over it is stopped, and one that cannot be measured is left alone", async () => {
  const agents = ["near", "over", "unknown"].map(agentOf);
  for (const agent of agents) stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: undefined };
  const asleep = agentOf("asleep");
  const [near, over, unknown] = agents as [Agent, Agent, Agent];
  const used = new Map<string, number | undefined>([
    ["near", 95 * MIB],
    ["over", 100 * MIB + 1],
    ["unknown", undefined],
    ["asleep", 200 * MIB],
  ]);
  const halted: string[] = [];
  const changed: string[] = [];
  const bus = openBus();
  bus.on("changed", (what) => void changed.push(what === "hive" ? what : what.name));
  const watch = new DiskWatch({
    agents: { all: () => [...agents, asleep] },
    cages: { halt: async (agent, reason) => void halted.push(`${agent.name}: ${reason}`) },
    bus,
    paths: new Paths("/hive", "/run"),
    bytesOnDisk: async ([folder = ""]) => used.get(folder.split("/").at(-2) ?? ""),
    everyMs: 1000,
    clock: () => 0,
    onUnexpected,
  });
  await watch.runOnce();
  expect(near.diskWarning).toBe("its disk is nearly full: 95 of 100 MiB");
  expect(halted).toEqual(["over: over its disk limit (101 of 100 MiB): free room in /hive/agents/over, then start it again"]);
  expect([over.diskWarning, unknown.diskWarning]).toEqual([undefined, undefined]);
  used.set("near", 89 * MIB);
  used.set("over", 100 * MIB);
  await watch.runOnce();
  await watch.runOnce();
  expect(near.diskWarning).toBeUndefined();
  expect(halted).toHaveLength(1);
  // Emitted only when something has changed.
  expect(changed).toEqual(["near", "near", "over"]);
});

test("an agent whose files take long to measure is measured less often, and holds up no other", async () => {
  const [large, small] = ["large", "small"].map(agentOf) as [Agent, Agent];
  for (const agent of [large, small])
    stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: undefined };
  let now = 0;
  const measured: string[] = [];
  const watch = new DiskWatch({
    agents: { all: () => [large, small] },
    cages: { halt: async () => {} },
    bus: openBus(),
    paths: new Paths("/hive", "/run"),
    async bytesOnDisk([folder = ""]) {
      const name = folder.split("/").at(-2) ?? "";
      measured.push(name);
      if (name === "large") now += 5_000;
      return 0;
    },
    everyMs: 1000,
    clock: () => now,
    onUnexpected,
  });
  const round = async (at: number): Promise<string[]> => {
    now = at;
    measured.length = 0;
    await watch.runOnce();
    return [...measured];
  };
  expect(await round(0)).toEqual(["large", "small"]);
  expect(await round(30_000)).toEqual(["small"]);
  expect(await round(54_999)).toEqual(["small"]);
  expect(await round(55_000)).toEqual(["large", "small"]);
});

test("the reason for stopping the manager also names the proposed repositories", async () => {
  const manager = new Agent({ id: "m1", name: "hm1nd", role: "manager" } as never, {
    config: AgentConfig.parse({ limits: { disk_mib: 100 } }),
    instructions: "",
    warnings: [],
  });
  stateOf(manager).cage.phase = { at: "running", running: {} as never, since: 0, revision: undefined };
  const halted: string[] = [];
  await new DiskWatch({
    agents: { all: () => [manager] },
    cages: { halt: async (_, reason) => void halted.push(reason) },
    bus: openBus(),
    paths: new Paths("/hive", "/run"),
    bytesOnDisk: async () => 200 * MIB,
    everyMs: 1000,
    onUnexpected,
  }).runOnce();
  expect(halted).toEqual([expect.stringContaining("free room in /hive/agents/m1 or /hive/proposed, then")]);
});

test("all that an agent can write counts towards its disk limit, and the proposed repositories count towards the manager's", () => {
  const paths = new Paths("/s", "/r");
  expect(writableFolders({ id: "a1", role: "agent" }, paths)).toEqual([
    "/s/agents/a1/state",
    "/s/agents/a1/work",
    "/s/agents/a1/claude",
  ]);
  expect(writableFolders({ id: "m1", role: "manager" }, paths)).toContain("/s/proposed");
});
