import { beforeEach, expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import { Agent } from "./agent.ts";
import { bootAgents } from "./boot.ts";

/** The calls for each agent, in order. */
let log: string[];
let unexpected: unknown[];
/** Agents whose cage survived the last daemon. `mail` has the agents with mail. */
let adopted: string[];
let mail: string[];
/** The error that adopting or starting an agent fails with. */
let broken: Record<string, Error>;

beforeEach(() => {
  log = [];
  unexpected = [];
  adopted = [];
  mail = [];
  broken = {};
});

function agentOf(name: string, { desired = "running", resident = false, unreadable }: AgentOptions = {}): Agent {
  const config = AgentConfig.parse(resident ? { extraMcpServers: { watch: { command: "watch", resident } } } : {});
  return new Agent({ id: name, name, generation: 1, desired } as never, { config, instructions: "", warnings: [], unreadable });
}
interface AgentOptions {
  desired?: "running" | "stopped";
  resident?: boolean;
  unreadable?: string;
}

async function boot(...agents: Agent[]): Promise<string[]> {
  const note =
    (what: string) =>
    ({ name }: Agent): void =>
      void log.push(`${name}: ${what}`);
  const noteOrFail = (what: string) => async (agent: Agent) => {
    const error = broken[agent.name];
    if (error) throw error;
    note(what)(agent);
  };
  await bootAgents({
    agents: { all: () => agents },
    cages: {
      async adopt(agent) {
        if (!adopted.includes(agent.name)) return false;
        await noteOrFail("adopted")(agent);
        return true;
      },
      start: noteOrFail("started"),
      stop: noteOrFail("stopped"),
      leaveAsleep: note("asleep"),
      leaveFailed: noteOrFail("failed"),
      leaveParked: (agent, reason) => note(`parked, ${reason}`)(agent),
      leaveStopped: noteOrFail("left stopped"),
    },
    harnesses: { serve: () => {}, expect: note("harness expected") },
    broker: { hasMail: (id) => mail.includes(id) },
    onUnexpected: (error) => void unexpected.push(error),
  });
  return log;
}

test("agents with mail or a resident server start, and the others stay asleep", async () => {
  mail = ["ada"];
  const [ada, bob, cyd] = [agentOf("ada"), agentOf("bob", { resident: true }), agentOf("cyd")];
  expect((await boot(ada, bob, cyd)).toSorted()).toEqual(["ada: started", "bob: started", "cyd: asleep"]);
});

test("a cage that runs is adopted, and stopped if its agent should be stopped", async () => {
  adopted = ["ada", "bob"];
  await boot(agentOf("ada"), agentOf("bob", { desired: "stopped" }), agentOf("cyd", { desired: "stopped" }));
  expect(log.filter((line) => line.startsWith("ada"))).toEqual(["ada: adopted", "ada: harness expected"]);
  expect(log.filter((line) => line.startsWith("bob"))).toEqual(["bob: adopted", "bob: harness expected", "bob: stopped"]);
  expect(log).toContain("cyd: left stopped");
});

test("an agent whose config cannot be read fails, even with mail", async () => {
  mail = ["ada"];
  expect(await boot(agentOf("ada", { unreadable: "agent.json cannot be read" }))).toEqual(["ada: failed"]);
});

test("an agent that cannot be brought up does not stop the others from starting", async () => {
  adopted = ["ada"];
  mail = ["bob"];
  broken = { ada: new Error("its note is damaged") };
  await boot(agentOf("ada"), agentOf("bob"));
  expect(log).toContain("ada: parked, it could not be brought up: its note is damaged");
  expect(log).toContain("bob: started");
  expect(unexpected).toMatchObject([{ message: "its note is damaged" }]);
});

test("a cage that cannot be built is reported only by its start, and a defect is reported as unexpected", async () => {
  mail = ["ada", "bob"];
  broken = { ada: new HiveError("unavailable", "no bwrap"), bob: new TypeError("a defect") };
  expect(await boot(agentOf("ada"), agentOf("bob"))).toEqual([]);
  expect(unexpected).toMatchObject([{ message: "a defect" }]);
});
