import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AgentConfig } from "../wire/config.ts";
import { Agent, stateOf } from "./agent.ts";
import { openBus } from "../../test/lib/bus.ts";
import { Sleep } from "./sleep.ts";

const AFTER_MS = 1_000;
let asked: string[];
let asleep: string[];
/** The answer of the broker: false while mail waits. */
let isOffered: boolean;
let sleep: Sleep;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  asked = [];
  asleep = [];
  isOffered = true;
  const bus = openBus();
  bus.on("harness_dozing", (agent) => void asleep.push(agent.id));
  sleep = new Sleep({ afterMs: AFTER_MS, broker: { offerSleep: (id) => (asked.push(id), isOffered) }, bus });
});
afterEach(() => void vi.useRealTimers());

function running(config: object = {}): Agent {
  const agent = new Agent({ id: "scout", name: "scout" } as never, {
    config: AgentConfig.parse(config),
    instructions: "",
    warnings: [],
  });
  stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: "r1" };
  return agent;
}

test("an agent falls asleep when its idle time has passed", () => {
  sleep.idle(running());
  vi.advanceTimersByTime(AFTER_MS - 1);
  expect(asked).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(asleep).toEqual(["scout"]);
});

test("work restarts the idle time", () => {
  const agent = running();
  sleep.idle(agent);
  vi.advanceTimersByTime(AFTER_MS - 1);
  sleep.busy(agent);
  vi.advanceTimersByTime(AFTER_MS);
  expect(asked).toEqual([]);
  sleep.idle(agent);
  vi.advanceTimersByTime(AFTER_MS);
  expect(asleep).toEqual(["scout"]);
});

test("an agent with mail stays awake", () => {
  isOffered = false;
  sleep.idle(running());
  vi.advanceTimersByTime(AFTER_MS);
  expect([asked, asleep]).toEqual([["scout"], []]);
});

test.each([
  ["is held by a deploy", (agent: Agent) => void (stateOf(agent).harness.held = true)],
  ["is being stopped", (agent: Agent) => void (stateOf(agent).cage.phase = { at: "stopped" })],
])("an agent that %s is not asked to sleep", (_, change) => {
  const agent = running();
  sleep.idle(agent);
  change(agent);
  vi.advanceTimersByTime(AFTER_MS);
  expect(asked).toEqual([]);
});

test.each([
  ["its config has one", running({ extraMcpServers: { watch: { command: "watch", resident: true } } })],
  ["its harness runs one", running()],
])("an agent with a resident tool server stays awake: %s", (why, agent) => {
  if (why.startsWith("its harness")) stateOf(agent).harness.residentServers = 1;
  sleep.idle(agent);
  vi.advanceTimersByTime(AFTER_MS);
  expect(asked).toEqual([]);
});
