import { beforeEach, expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import { Agent, stateOf } from "../agents/agent.ts";
import { AgentConfig } from "../wire/config.ts";
import type { HiveEvent } from "../wire/event.ts";
import { Views } from "./views.ts";

let bus: ReturnType<typeof openBus>;
let agents: Agent[];
let published: string[];
let readers: number;
let now: number;

const agentOf = (name: string, generation = 1): Agent =>
  new Agent({ id: `id-${name}`, name, role: "agent", generation, createdAt: "2030-01-31T00:00:00.000Z" } as never, {
    config: AgentConfig.parse({}),
    instructions: "",
    warnings: [],
    unreadable: undefined,
  });

beforeEach(() => {
  bus = openBus();
  agents = [agentOf("ada"), agentOf("bob")];
  published = [];
  readers = 1;
  now = 1_000;
  const nothing = { tokens: 0, cost: 0, unpriced: 0 };
  new Views({
    hive: {
      id: "h",
      version: "0",
      revision: "r1",
      hivectl: "npx hivectl",
      started_at: "2030-01-31T00:00:00.000Z",
      ledger: "/meta",
    },
    access: { mode: "rehearsal", name: "rehearsal", scenarios: [], credential: { source: "none" } },
    feed: {
      get readers() {
        return readers;
      },
      publish: (event: HiveEvent) => void published.push(event.kind === "agent" ? event.agent.name : event.kind),
    },
    usage: { of: () => nothing, total: () => nothing },
    disk: { low: false },
    urls: { home: "http://127.0.0.1" },
    driver: { cannot: () => [] },
    store: {} as never,
    agents: { allWithDestroyed: () => agents, byId: (id) => agents.find((agent) => agent.id === id) },
    broker: { unread: () => 0, operator: { unread: () => 0, readUpTo: () => 0 } as never },
    turns: { last: () => undefined },
    pages: { portOf: () => undefined, problem: () => undefined },
    allStop: { view: undefined },
    modelUse: { plan: [] },
    budgets: { over: () => [], budgets: { warnings: () => [] } },
    questions: {} as never,
    history: {} as never,
    requests: {} as never,
    changes: {} as never,
    repositories: {} as never,
    secrets: { problemsOf: () => [] },
    credentials: { problemsOf: () => [] },
    bus,
    now: () => now,
  });
});
const turnOfLoop = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("changes in one turn of the loop are published once for each agent and once for the hive", async () => {
  const [ada, bob] = agents as [Agent, Agent];
  for (const what of [ada, "hive", bob, ada, "hive"] as const) bus.emit("changed", what);
  expect(published).toEqual([]);
  await turnOfLoop();
  expect(published).toEqual(["ada", "bob", "hive"]);
  await turnOfLoop();
  expect(published).toHaveLength(3);
});

test("a changed inbox publishes its agent, the operator's inbox publishes the hive, and that of a removed agent nothing", async () => {
  for (const inbox of ["id-bob", "operator", "id-gone"]) bus.emit("inbox_changed", inbox);
  await turnOfLoop();
  expect(published).toEqual(["bob", "hive"]);
});

test("a draft is not shown", async () => {
  bus.emit("changed", agentOf("cyd", 0));
  await turnOfLoop();
  expect(published).toEqual([]);
});

test("the time of a state is kept even without readers", async () => {
  readers = 0;
  const [ada] = agents as [Agent];
  bus.emit("changed", ada);
  expect(ada.stateSince).toBe(1_000);
  now = 2_000;
  bus.emit("changed", ada);
  expect(ada.stateSince).toBe(1_000);
  stateOf(ada).cage.phase = { at: "asleep" };
  bus.emit("changed", ada);
  expect(ada.stateSince).toBe(2_000);
  await turnOfLoop();
  expect(published).toEqual([]);
});
