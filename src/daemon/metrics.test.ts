import { expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import type { Agent } from "../agents/agent.ts";
import { openMetrics } from "./metrics.ts";

test("turns are counted by their result, and agents by their state", async () => {
  const bus = openBus();
  const ada = { state: "idle" } as Agent;
  const metrics = openMetrics({ bus, agents: { all: () => [ada, ada] }, feed: { readers: 3 }, store: { seq: 40 } });
  bus.emit("turn_ended", { agent: ada, result: "ok", outcome: { kind: "ok" } });
  for (let n = 0; n < 2; n++) bus.emit("turn_ended", { agent: ada, result: "interrupted" });
  const text = await metrics.text();
  for (const line of [
    'hive_turns_total{outcome="ok"} 1',
    'hive_turns_total{outcome="interrupted"} 2',
    'hive_turns_total{outcome="failed"} 0',
    'hive_agents{state="idle"} 2',
    "hive_event_readers 3",
    "hive_seq 40",
  ])
    expect(text.split("\n")).toContain(line);
});

test("metered answers are counted by agent, model, credential and kind of token; a model without a price has no cost", async () => {
  const metrics = openMetrics({ bus: openBus(), agents: { all: () => [] }, feed: { readers: 0 }, store: { seq: 0 } });
  const tokens = { input: 1, output: 20, cache_read: 300, cache_write: 4_000 };
  metrics.metered("scout", { model: "opus", credential: "work", tokens, costUsd: 0.5 });
  metrics.metered("scout", { model: "opus", credential: "work", tokens, costUsd: 0.25 });
  metrics.metered("scout", { model: "local", credential: "default", tokens, costUsd: undefined });
  const lines = (await metrics.text()).split("\n");
  for (const line of [
    'hive_model_tokens_total{agent="scout",model="opus",credential="work",kind="output"} 40',
    'hive_model_tokens_total{agent="scout",model="local",credential="default",kind="cache_write"} 4000',
    'hive_model_cost_usd_total{agent="scout",model="opus",credential="work"} 0.75',
    'hive_model_unpriced_requests_total{agent="scout",model="local",credential="default"} 1',
  ])
    expect(lines).toContain(line);
  expect(lines.filter((line) => line.startsWith('hive_model_cost_usd_total{agent="scout",model="local"'))).toEqual([]);
});
