import { afterEach, beforeEach, expect, test } from "vitest";
import { openBus } from "../../../test/lib/bus.ts";
import { attributesOf, Collector } from "../../../test/lib/collector.ts";
import type { Agent } from "../../agents/agent.ts";
import type { Usage } from "../../gateway/model/dialect.ts";
import { Telemetry } from "./telemetry.ts";

let collector: Collector;
let bus: ReturnType<typeof openBus>;
let telemetry: Telemetry;
let counted: Record<string, number>;
let logged: string[];

beforeEach(async () => {
  collector = await new Collector().start();
  bus = openBus();
  counted = {};
  logged = [];
  telemetry = open();
});
afterEach(async () => {
  telemetry.stop();
  await collector.stop();
});

function open(): Telemetry {
  const count = (what: string, by = 1): void => void (counted[what] = (counted[what] ?? 0) + by);
  const log = (words: string): void => void logged.push(words);
  return new Telemetry({
    endpoint: collector.url,
    bus,
    hiveId: "h1",
    version: "1.2.3",
    counters: {
      sent: (signal, outcome) => count(`${signal} ${outcome}`),
      dropped: (spans) => count("dropped", spans),
      unmeasured: () => count("unmeasured"),
    },
    log: { warn: log, info: log },
    now: () => 10_000,
  });
}
const asker = { agent: "a1", name: "scout", turn: 3 };
const answer = (over: Partial<Usage> = {}): Usage => ({
  agentId: "a1",
  credential: "work",
  model: "claude-opus-4-8",
  requestModel: "opus",
  tokens: { input: 1, output: 20, cache_read: 300, cache_write: 4_000 },
  costUsd: 0.25,
  budgetUsd: 0.25,
  startedAt: 1_000.5,
  endedAt: 3_000,
  ...over,
});

test("an answer of the model is a span of its turn, and a turn is the root of its trace", async () => {
  telemetry.answered(answer(), asker);
  const end = { type: "turn_end", turn: 3, ok: true, result: "ok", reason: "secret words", duration_ms: 5_000 } as never;
  bus.emit("turn_recorded", { agent: { id: "a1", name: "scout" } as Agent, end, at: 6_000 });
  await telemetry.runOnce();
  expect(collector.problems).toEqual([]);
  const [chat, turn] = collector.spans;
  if (!chat || !turn) throw new Error("two spans were expected");
  expect(chat).toMatchObject({ name: "chat opus", kind: 3, startTimeUnixNano: "1000500000", endTimeUnixNano: "3000000000" });
  expect(attributesOf(chat)).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "opus",
    "gen_ai.response.model": "claude-opus-4-8",
    "gen_ai.agent.name": "scout",
    "gen_ai.agent.id": "a1",
    "gen_ai.usage.input_tokens": "4301",
    "gen_ai.usage.output_tokens": "20",
    "gen_ai.usage.cache_read.input_tokens": "300",
    "gen_ai.usage.cache_creation.input_tokens": "4000",
    "hive.cost_usd": 0.25,
    "hive.credential": "work",
  });
  expect(turn).toMatchObject({ name: "invoke_agent scout", kind: 1, traceId: chat.traceId, spanId: chat.parentSpanId });
  expect(turn).toMatchObject({ startTimeUnixNano: "1000000000", endTimeUnixNano: "6000000000" });
  expect(turn.parentSpanId).toBeUndefined();
  expect(turn.status).toBeUndefined();
  expect(collector.bodies.join("")).not.toContain("secret words");
});

test("turns have traces of their own, a failed one says how, and an answer outside of a turn is alone", async () => {
  for (const [turn, result] of [
    [3, "failed"],
    [4, "cancelled"],
  ] as const)
    bus.emit("turn_recorded", {
      agent: { id: "a1", name: "scout" } as Agent,
      end: { turn, result, duration_ms: 1e300 } as never,
      at: 9,
    });
  telemetry.answered(answer({ costUsd: undefined }), { ...asker, turn: undefined });
  await telemetry.runOnce();
  expect(collector.problems).toEqual([]);
  expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(3);
  expect(collector.spans.map(({ status }) => status?.message)).toEqual(["failed", undefined, undefined]);
  expect(collector.spans[2]?.parentSpanId).toBeUndefined();
  expect(attributesOf(collector.spans[2] ?? { attributes: [] })).not.toHaveProperty("hive.cost_usd");
});

test("tokens and durations are histograms since the start, by agent and model", async () => {
  telemetry.answered(answer(), asker);
  telemetry.answered(answer({ tokens: { input: 5, output: 100_000_000, cache_read: 0, cache_write: 0 } }), asker);
  telemetry.answered(answer(), { ...asker, agent: "a2", name: "ada" });
  await telemetry.runOnce();
  telemetry.answered(answer(), asker);
  await telemetry.runOnce();
  expect(collector.problems).toEqual([]);
  const tokens = collector.points.get("gen_ai.client.token.usage") ?? [];
  const of = (name: string, type: string) =>
    tokens.find((point) => {
      const found = attributesOf(point);
      return found["gen_ai.agent.name"] === name && found["gen_ai.token.type"] === type;
    });
  expect(of("scout", "output")).toMatchObject({ count: "3", sum: 100_000_040, startTimeUnixNano: "10000000000" });
  expect(of("scout", "output")?.bucketCounts.at(-1)).toBe("1");
  expect(of("scout", "input")).toMatchObject({ count: "3", sum: 8_607 });
  // 20 tokens are in the bucket of up to 64.
  expect(of("ada", "output")?.bucketCounts[3]).toBe("1");
  const [duration] = collector.points.get("gen_ai.client.operation.duration") ?? [];
  expect(duration).toMatchObject({ count: "3", sum: 3 * 1.9995 });
});

test("what a collector cannot take now is sent later, once, and a failure is reported once", async () => {
  collector.status = 503;
  telemetry.answered(answer(), asker);
  await telemetry.runOnce();
  await telemetry.runOnce();
  expect(counted).toEqual({ "traces failed": 2 });
  expect(logged).toEqual(["telemetry: the collector of HIVE_OTLP_ENDPOINT answered 503"]);
  collector.status = 200;
  await telemetry.runOnce();
  await telemetry.runOnce();
  expect(collector.spans).toHaveLength(1);
  expect(collector.points.size).toBe(2);
  expect(counted).toEqual({ "traces failed": 2, "traces ok": 1, "metrics ok": 1 });
  expect(logged.at(-1)).toBe("telemetry: the collector answers again");
});

test("what a collector refuses is dropped and counted, and a redirect is not followed", async () => {
  collector.status = 400;
  telemetry.answered(answer(), asker);
  await telemetry.runOnce();
  collector.status = 307;
  telemetry.answered(answer(), asker);
  await telemetry.runOnce();
  expect(counted).toEqual({ "traces refused": 2, "metrics refused": 2, dropped: 2 });
  expect(collector.bodies).toHaveLength(4);
});

test("without a collector the queue is bounded, and nothing is thrown", async () => {
  await collector.stop();
  for (let n = 0; n < 4_100; n++) telemetry.answered(answer(), asker);
  await telemetry.runOnce();
  expect(counted).toEqual({ dropped: 4, "traces failed": 1 });
  expect(logged[0]).toMatch(/^telemetry: the collector of HIVE_OTLP_ENDPOINT did not answer: /);
});

test("agents that come and go do not fill the memory: new series are left out and counted", async () => {
  for (let n = 0; n < 2_001; n++) telemetry.answered(answer(), { ...asker, name: `a${n}` });
  await telemetry.runOnce();
  expect(collector.points.get("gen_ai.client.token.usage")).toHaveLength(2_000);
  expect(collector.points.get("gen_ai.client.operation.duration")).toHaveLength(2_000);
  expect(counted["unmeasured"]).toBe(2 * 1_001 + 1);
});

test("a service that is stopped sends nothing more, and a request that waits for the collector ends", async () => {
  telemetry.answered(answer(), asker);
  const round = telemetry.runOnce();
  telemetry.stop();
  await round;
  expect(counted).toEqual({});
});
