import { expect, test } from "vitest";
import type { CageExit, Running } from "../platforms/port.ts";
import { AgentConfig } from "../wire/config.ts";
import { Agent, stateOf } from "./agent.ts";
import { NOTHING_GRANTED } from "./agent-json.ts";
import { openBus } from "../../test/lib/bus.ts";
import { Cages } from "./cages.ts";
import type { HarnessSession } from "./harness-session.ts";
import type { Happening } from "../messages/announcements.ts";
import { agentView } from "./view.ts";

/** Cages over a driver that starts no process, with a record of its calls. */
function system(tree: {
  config: AgentConfig;
  unreadable?: string;
  gone?: boolean;
  unstartable?: string;
  gate?: <T>(start: () => Promise<T>) => Promise<T>;
}) {
  const agent = new Agent({ id: "a1", name: "scout", generation: 1 } as never, { instructions: "", warnings: [], ...tree });
  const asked: string[] = [];
  const announced: Happening[] = [];
  const released: string[] = [];
  const problems: string[] = [];
  let end: (exit: CageExit) => void = () => {};
  const launch = (): Running => {
    const exit = Promise.withResolvers<CageExit>();
    end = exit.resolve;
    return {
      init: { pid: 0, startTime: 0 },
      exited: exit.promise,
      memoryBytes: () => undefined,
      async kill() {
        asked.push("kill");
        exit.resolve({ code: 0 });
      },
    };
  };
  const driver = {
    prepare: async () => {},
    async start() {
      asked.push("start");
      return launch();
    },
    adopt: async () => (tree.gone === true ? null : launch()),
    destroy: async () => {},
  };
  const bus = openBus();
  bus.on("cage_ended", ({ why }) => void released.push(why));
  const cages = new Cages({
    repositories: { duringStart: (_agent, start) => tree.gate?.(start) ?? start() },
    driver: driver,
    specs: {
      async of() {
        if (tree.unstartable !== undefined) throw new Error(tree.unstartable);
        return { revision: "r" } as never;
      },
      place: () => ({}) as never,
      mountProblems: async () => problems,
    },
    sockets: { openAgent: async () => {}, removeAgent: async () => {} },
    agents: { byId: (id) => (id === agent.id ? agent : undefined) },
    broker: { hasMail: () => false },
    turns: { interrupt: async (_, why) => void released.push(why) },
    announcements: { announce: async (happening) => void announced.push(happening) },
    bus,
    crashBackoffMs: 1,
    onUnexpected: (error) => expect.unreachable(String(error)),
    now: Date.now,
  });
  return { agent, bus, cages, asked, announced, released, problems, end: (exit: CageExit) => end(exit) };
}

const UNREADABLE = { config: NOTHING_GRANTED, unreadable: "the deployed config cannot be read" };

test("a cage that survived the daemon is ended if its config cannot be read", async () => {
  const { agent, cages, asked } = system(UNREADABLE);
  expect(await cages.adopt(agent)).toBe(false);
  expect(asked).toEqual(["kill"]);
});

test("neither a message nor the operator starts a cage whose config cannot be read", async () => {
  const { agent, bus, cages, asked, announced } = system(UNREADABLE);
  await cages.leaveFailed(agent, UNREADABLE.unreadable);
  expect(agent.state).toBe("failed");
  bus.emit("mail_waiting", agent.id);
  await expect(cages.start(agent, "by mail")).rejects.toThrow("the deployed config cannot be read");
  expect(agent.state).toBe("failed");
  expect(asked).toEqual([]);
  expect(announced.map(({ event }) => event)).toEqual(["container_crash", "container_crash"]);
});

test("a trial fails if the cage ends before it confirms", async () => {
  const { agent, cages, asked, end } = system({ config: AgentConfig.parse({}) });
  const trial = cages.trial(agent, {
    nonce: "n",
    confirmed: new Promise(() => {}),
    withinMs: 60_000,
    ended: new AbortController().signal,
    leaving: () => {},
    // The new cage has started by then.
    switched: () => void setImmediate(() => end({ code: 3 })),
  });
  await expect(trial).rejects.toThrow("the new generation ended before it confirmed: exit 3");
  expect(asked).toEqual(["start", "kill"]);
  expect(agent.state).toBe("offline");
});

test("a cage whose harness cannot run fails with the harness's reason, at a start and at the trial of a deploy", async () => {
  const problem = "the harness cannot read its assignment: next_turn: it is too large";
  const started = system({ config: AgentConfig.parse({}) });
  await started.cages.start(started.agent, "a test");
  stateOf(started.agent).harness.problem = problem;
  expect(agentView(started.agent, { secretProblems: [] } as never).warnings).toEqual([problem]);
  started.end({ code: 3 });
  await started.agent.serially(async () => {});
  await started.agent.serially(async () => {});
  expect(started.agent.state).toBe("failed");
  expect(started.agent.stateReason).toContain(problem);
  expect(started.announced.at(-1)).toMatchObject({ event: "container_crash", reason: problem });
  clearTimeout(started.agent.phase.at === "backoff" ? started.agent.phase.timer : undefined);

  const tried = system({ config: AgentConfig.parse({}) });
  const trial = tried.cages.trial(tried.agent, {
    nonce: "n",
    confirmed: new Promise(() => {}),
    withinMs: 60_000,
    ended: new AbortController().signal,
    leaving: () => {},
    switched: () =>
      void setImmediate(() => {
        stateOf(tried.agent).harness.problem = problem;
        tried.end({ code: 3 });
      }),
  });
  await expect(trial).rejects.toThrow(`the new generation ended before it confirmed: ${problem}`);
});

test("each end of a cage gives its turn a reason", async () => {
  const config = AgentConfig.parse({});
  const crashed = system({ config });
  await crashed.cages.start(crashed.agent, "a test");
  crashed.end({ code: null, signal: "SIGKILL" });
  await crashed.agent.serially(async () => {});
  await crashed.agent.serially(async () => {});
  expect(crashed.released).toEqual(["the cage crashed (ended by SIGKILL)"]);
  clearTimeout(crashed.agent.phase.at === "backoff" ? crashed.agent.phase.timer : undefined);

  const killed = system({ config });
  await killed.cages.start(killed.agent, "a test");
  await killed.cages.stop(killed.agent, { graceful: false, reason: "by operator" });
  expect(killed.released).toEqual(["the agent was killed (by operator)"]);

  const gone = system({ config, gone: true });
  expect(await gone.cages.adopt(gone.agent)).toBe(false);
  expect(gone.released).toEqual(["the cage ended while the daemon was down"]);
});

test("a broken mount is a warning on the row when the cage starts, when it cannot start, and when it is adopted", async () => {
  const gone = "mounts: /data/papers does not exist on this host";
  const warningsOf = (agent: Agent): string[] =>
    agentView(agent, { secretProblems: [], unread: 0, tokensToday: 0, currentRevision: "r" } as never).warnings;
  const running = system({ config: AgentConfig.parse({}) });
  running.problems.push("mounts: /data/out cannot be written by the agent (uid 1)");
  await running.cages.start(running.agent, "a test");
  expect(warningsOf(running.agent)).toEqual(running.problems);
  // Fixed: the next start checks again.
  running.problems.pop();
  await running.cages.stop(running.agent, { graceful: false, reason: "by operator" });
  await running.cages.start(running.agent, "a test");
  expect(warningsOf(running.agent)).toEqual([]);

  const failed = system({ config: AgentConfig.parse({}), unstartable: gone });
  failed.problems.push(gone);
  await expect(failed.cages.start(failed.agent, "a test")).rejects.toThrow(gone);
  expect(warningsOf(failed.agent)).toEqual([gone]);

  const adopted = system({ config: AgentConfig.parse({}), unstartable: gone });
  adopted.problems.push(gone);
  // The running cage is adopted although a new one could not start.
  expect(await adopted.cages.adopt(adopted.agent)).toBe(true);
  expect(warningsOf(adopted.agent)).toEqual([gone]);
});

test("a cage counts as ended only after its leases have been returned", async () => {
  const { agent, bus, cages } = system({ config: AgentConfig.parse({}) });
  const returned = Promise.withResolvers<void>();
  bus.on("cage_ended", () => returned.promise);
  await cages.start(agent, "a test");
  let isStopped = false;
  const stopped = cages.stop(agent, { graceful: false, reason: "by operator" }).then(() => (isStopped = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect([isStopped, agent.phase.at]).toEqual([false, "stopping"]);
  returned.resolve();
  await stopped;
  expect(agent.phase.at).toBe("stopped");
});

test("a harness that is asked to sleep ends its cage, and mail starts it again", async () => {
  const { agent, bus, cages, asked, end } = system({ config: AgentConfig.parse({}) });
  await cages.start(agent, "a test");
  bus.emit("harness_dozing", agent);
  expect(agent.phase.at).toBe("dozing");
  end({ code: 0 });
  await expect.poll(() => agent.phase.at).toBe("asleep");
  bus.emit("mail_waiting", "another agent");
  expect(asked).toEqual(["start"]);
  bus.emit("mail_waiting", agent.id);
  await expect.poll(() => asked).toEqual(["start", "start"]);
});

test("the revision of an adopted cage is known when its harness says hello", async () => {
  const { agent, bus, cages } = system({ config: AgentConfig.parse({}) });
  await cages.adopt(agent);
  expect(agent.phase).toMatchObject({ at: "running", revision: undefined });
  bus.emit("harness_connected", { agent, session: { revision: "older" } as HarnessSession });
  expect(agent.phase).toMatchObject({ at: "running", revision: "older" });
});

test("work without a process ends the cage, holds up every start, and lets the agent go on as before", async () => {
  const { agent, cages, asked, released } = system({ config: AgentConfig.parse({}) });
  await cages.start(agent, "a test");
  const go = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const work = cages.without([agent], { graceMs: 0, reason: "a removal" }, async () => {
    expect(asked).toEqual(["start", "kill"]);
    expect(agent.phase.at).toBe("asleep");
    reached.resolve();
    await go.promise;
    return asked.length;
  });
  await reached.promise;
  cages.onMail(agent);
  go.resolve();
  // Neither the message nor anything else has started it meanwhile.
  expect(await work).toBe(2);
  await agent.serially(async () => {});
  expect(asked).toEqual(["start", "kill", "start"]);
  expect(released).toEqual(["a removal"]);

  // One that failed, or that the operator stops meanwhile, stays as it is; and a failure passes through.
  (agent.record as { desired: string }).desired = "stopped";
  const failing = cages.without([agent], { graceMs: 0, reason: "a removal" }, async () => {
    throw new Error("broken");
  });
  await expect(failing).rejects.toThrow("broken");
  expect(asked).toEqual(["start", "kill", "start", "kill"]);
  cages.leaveParked(agent, "the operator starts it again");
  const { phase } = agent;
  await cages.without([agent], { graceMs: 0, reason: "a removal" }, async () => {});
  expect(agent.phase).toBe(phase);
});

test("a cage starts, and is tried, within the hold on the objects of its repositories", async () => {
  const go = Promise.withResolvers<void>();
  const held: string[][] = [];
  const { agent, cages, asked, end } = system({
    config: AgentConfig.parse({}),
    async gate(start) {
      await go.promise;
      held.push([...asked]);
      const result = await start();
      held.push([...asked, agent.phase.at]);
      return result;
    },
  });
  const started = cages.start(agent, "a test");
  go.resolve();
  await started;
  expect(held).toEqual([[], ["start", "running"]]);
  end({ code: 0 });
  const trial = { nonce: "n", confirmed: Promise.resolve(), withinMs: 1_000, ended: new AbortController().signal };
  await cages.trial(agent, { ...trial, leaving() {}, switched() {} });
  expect(held[3]?.at(-1)).toBe("running");
});

test("a turn that runs ends before work without a process begins", async () => {
  const { agent, cages, asked, end } = system({ config: AgentConfig.parse({}) });
  await cages.start(agent, "a test");
  const pushed: unknown[] = [];
  stateOf(agent).harness.session = { push: (line: unknown) => pushed.push(line) > 0 } as unknown as HarnessSession;
  const began: string[] = [];
  const work = cages.without([agent], { graceMs: 60_000, reason: "a removal" }, async () => void began.push(...asked));
  await expect.poll(() => pushed).toEqual([{ push: "shutdown", graceful: true }]);
  expect(began).toEqual([]);
  end({ code: 0 });
  await work;
  expect(began).toEqual(["start", "kill"]);
});
