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
