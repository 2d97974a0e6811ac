import { beforeEach, expect, test } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { Agent, stateOf } from "../agents/agent.ts";
import { Turns } from "../agents/turns.ts";
import { openBus } from "../../test/lib/bus.ts";
import { ModelUse } from "./model-use.ts";

const TOKENS = { input: 1, output: 20, cache_read: 300, cache_write: 4_000 };
const ASKED = { credential: "default", tokens: TOKENS, requestModel: "opus", startedAt: 1, endedAt: 2 };
let agent: Agent;
let use: ModelUse;
let counted: unknown[];
let spent: unknown[];
let tokensBefore: unknown[];
let changed: string[];

beforeEach(() => {
  agent = new Agent({ id: "a1", name: "scout" } as never, { config: AgentConfig.parse({}), instructions: "", warnings: [] });
  counted = [];
  spent = [];
  tokensBefore = [];
  changed = [];
  const counter = { inc: (labels: object, value?: number) => void counted.push([labels, value]) } as never;
  const bus = openBus();
  bus.on("changed", (what) => void changed.push(what === "hive" ? "the hive" : what.name));
  use = new ModelUse({
    agents: { byId: (id) => (id === agent.id ? agent : undefined) },
    turns: new Turns({ store: { open: () => [] } as never, bus, now: () => 0 }),
    usage: { add: async () => {} },
    broker: { chainOf: () => undefined },
    budgets: {
      spend: (id, credential, used) => {
        spent.push([id, credential, used]);
        tokensBefore.push(agent.turn?.tokens.input);
      },
    },
    sharedLimit: { met: () => {}, passed: () => {}, endOf: () => undefined, release: () => {}, forget: () => {} },
    metrics: { metered: (name, used) => void counted.push([name, used.model]), modelRequests: counter },
    bus,
    onUnexpected: (error) => expect.unreachable(String(error)),
  });
});

test("an answer counts for the running turn, and the page is notified", () => {
  const none = { input: 0, output: 0, cache_read: 0, cache_write: 0 };
  stateOf(agent).turn.running = { turn: 1, startedAt: 0, tokens: none, costUsd: undefined, isUnpriced: false, budgetUsd: 0 };
  use.add({ ...ASKED, agentId: "a1", model: "opus", costUsd: 0.5, budgetUsd: 0.5 });
  use.add({ ...ASKED, agentId: "a1", model: "unpriced", costUsd: undefined, budgetUsd: 0.25 });
  use.add({ ...ASKED, agentId: "a1", model: "opus", costUsd: 0.5, budgetUsd: 0.5 });
  // A sum of only some answers would look like the cost of the turn.
  expect(agent.turn).toMatchObject({
    tokens: { input: 3, output: 60, cache_read: 900, cache_write: 12_000 },
    costUsd: undefined,
    budgetUsd: 1.25,
  });
  expect(counted[0]).toEqual(["scout", "opus"]);
  // The sum of a change begins with its running turn: an answer that was metered before would count twice.
  expect(tokensBefore).toEqual([0, 1, 2]);
  // Cached context is not spend; what is written to a cache was read without it.
  expect(spent.slice(0, 2)).toEqual([
    ["a1", "default", { output: 20, input: 4_001, costUsd: 0.5 }],
    ["a1", "default", { output: 20, input: 4_001, costUsd: 0.25 }],
  ]);
  expect(changed).toEqual(["scout", "the hive", "scout", "the hive", "scout", "the hive"]);
});

test("an answer between two turns, or for an agent that no longer exists, counts only for the day", () => {
  use.add({ ...ASKED, agentId: "a1", model: "opus", costUsd: 0.5, budgetUsd: 0.5 });
  use.add({ ...ASKED, agentId: "gone", model: "opus", costUsd: 0.5, budgetUsd: 0.5 });
  expect(agent.turn).toBeUndefined();
  expect(counted[1]).toEqual(["gone", "opus"]);
});

test("the end of a rate limit is known until an answer succeeds", () => {
  use.signal({ agentId: "a1", credential: "default", kind: "rate_limited", resetsAt: 9_000 });
  use.signal({ agentId: "a1", credential: "default", kind: "overloaded" });
  expect(use.limitEnds(agent)).toBe(9_000);
  use.signal({ agentId: "a1", credential: "default", kind: "ok" });
  expect(use.limitEnds(agent)).toBeUndefined();
});

test("each credential has its own plan, and that of one with another value is forgotten", () => {
  const plan = [{ window: "5h", used: 0.5 }];
  use.signal({ agentId: "a1", credential: "work", kind: "ok", plan });
  use.signal({ agentId: "a1", credential: "default", kind: "ok", plan });
  expect(use.plan).toEqual([
    { window: "5h", used: 0.5 },
    { window: "5h", used: 0.5, credential: "work" },
  ]);
  use.forget("work");
  expect(use.plan).toEqual([{ window: "5h", used: 0.5 }]);
});
