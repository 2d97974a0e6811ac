import { expect, test } from "vitest";
import type { CageExit, Driver, Running } from "../platforms/port.ts";
import type { AgentRecord } from "../store/agents.ts";
import { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import { Agent, stateOf } from "./agent.ts";
import { Bus } from "../lib/bus.ts";
import type { AgentEvents } from "./events.ts";
import { Cages } from "./cages.ts";

/** Tests of cages on a full disk: the driver starts no process, and every write fails. */
const full = (): Promise<never> => Promise.reject(new HiveError("disk_full", "the disk is full"));

function setUp(parts: { start?: () => Promise<Running> } = {}) {
  const unexpected: unknown[] = [];
  let end!: (exit: CageExit) => void;
  const exited = new Promise<CageExit>((resolve) => (end = resolve));
  const running = { exited, kill: async () => end({ code: 137 }) } as unknown as Running;
  const agent = new Agent({ id: "id-ada", name: "ada", generation: 1 } as AgentRecord, {
    config: AgentConfig.parse({}),
    instructions: "",
    warnings: [],
  });
  const onUnexpected = (error: unknown): void => void unexpected.push(error);
  const bus = new Bus<AgentEvents>(onUnexpected);
  bus.on("cage_ended", full);
  const cages = new Cages({
    repositories: { duringStart: (_agent, start) => start() },
    driver: { prepare: async () => {}, start: parts.start ?? (async () => running) } as unknown as Driver,
    specs: { of: async () => ({ revision: "r1" }) as never, place: () => ({}) as never, mountProblems: async () => [] },
    sockets: { openAgent: async () => {}, removeAgent: async () => {} },
    agents: { byId: () => agent },
    broker: { hasMail: () => false },
    turns: { interrupt: full },
    announcements: { announce: async () => {} },
    bus,
    crashBackoffMs: 60_000,
    onUnexpected,
    now: Date.now,
  });
  return { agent, cages, unexpected, crash: () => end({ code: 137 }) };
}

test("a cage that crashes while the disk is full restarts", async () => {
  const { agent, cages, unexpected, crash } = setUp();
  await cages.start(agent, "test");
  crash();
  await expect.poll(() => agent.phase.at).toBe("backoff");
  expect(unexpected).toMatchObject([{ code: "disk_full" }]);
  await cages.stop(agent, { graceful: false, reason: "test" });
});

test("a cage can be stopped while the disk is full", async () => {
  const { agent, cages, unexpected } = setUp();
  await cages.start(agent, "test");
  await cages.stop(agent, { graceful: false, reason: "test" });
  expect(agent.phase).toEqual({ at: "stopped" });
  expect(unexpected).toMatchObject([{ code: "disk_full" }]);
});

test("a start in the background reports a defect, but not a refusal", async () => {
  const { agent, cages, unexpected } = setUp({ start: () => Promise.reject(new Error("no bwrap")) });
  cages.leaveAsleep(agent);
  cages.onMail(agent);
  await expect.poll(() => agent.phase).toMatchObject({ at: "parked", reason: expect.stringContaining("no bwrap") });
  expect(unexpected).toEqual([]);
  // The process of the dozing cage cannot be killed before the start.
  stateOf(agent).cage.phase = {
    at: "dozing",
    running: { kill: () => Promise.reject(new Error("EPERM")) } as never,
    since: 0,
    revision: "r1",
  };
  cages.onMail(agent);
  await expect.poll(() => unexpected).toMatchObject([{ message: "EPERM" }]);
});
