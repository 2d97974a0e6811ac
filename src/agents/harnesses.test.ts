import { beforeEach, expect, test } from "vitest";
import { openBus } from "../../test/lib/bus.ts";
import { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import { PROTOCOL } from "../wire/harness.ts";
import type { Stop } from "../policy/stop.ts";
import { Agent, stateOf } from "./agent.ts";
import { Harnesses, type Peer } from "./harnesses.ts";
import { agentView } from "./view.ts";

let agent: Agent;
let harnesses: Harnesses;
let bus: ReturnType<typeof openBus>;
/** The calls to the other parts and the emitted events, in order. */
let log: string[];
let rateLimitEnds: number | undefined;
let stop: Stop | undefined;
let heldUntil: number | undefined;
/** What the numbers of turns are refused with. */
let refused: HiveError | undefined;
/** Tells the harnesses whether someone follows the hive. */
let tellWatched: (watched: boolean) => void;
const NOW = 1_000_000;

beforeEach(() => {
  agent = new Agent({ id: "a1", name: "ada", role: "agent", generation: 1, paused: false } as never, {
    config: AgentConfig.parse({}),
    instructions: "",
    warnings: [],
    unreadable: undefined,
  });
  log = [];
  rateLimitEnds = undefined;
  stop = undefined;
  heldUntil = undefined;
  refused = undefined;
  bus = openBus();
  bus.on("harness_connected", ({ session }) => void log.push(`connected ${session.instance}`));
  bus.on("harness_outdated", ({ name }) => void log.push(`outdated ${name}`));
  bus.on("turn_ended", ({ result, outcome }) => void log.push(`turn ended ${result} ${outcome?.kind}`));
  harnesses = new Harnesses({
    reposOf: () => [],
    newsFor: () => undefined,
    secretsOf: () => ({}),
    broker: {
      leases: {
        present: async () => [],
        finish: async () => void log.push("finish leases"),
        release: async (_: string, instance: string) => void log.push(`release leases of ${instance}`),
        releaseAll: async () => void log.push("release all leases"),
      } as never,
      next: () => (done) => done({ sleep: true }),
      setServed: (_, isServed) => void log.push(isServed ? "served" : "not served"),
      isHandling: () => false,
    },
    turns: {
      record() {
        if (refused) throw refused;
        return Promise.resolve(1);
      },
      resume() {},
      takeEnd() {
        if (refused) throw refused;
      },
      interrupt: async (_, why) => void log.push(`interrupt: ${why}`),
      position: () => ({ confirmedN: 0, nextTurn: 1 }),
    },
    sleep: { idle: () => {}, busy: () => {} },
    agents: { all: () => [agent] },
    feed: { isWatched: true, onWatched: (tell) => void (tellWatched = tell) },
    agentStore: { update: async (_, { sessionId }) => void log.push(`store session ${sessionId}`) },
    bus,
    modelUse: {
      limitEnds: () => rateLimitEnds,
      heldUntil: () => heldUntil,
      release: ({ name }) => void log.push(`${name} is released`),
    },
    budgets: {
      stopOf: () => stop,
      began: (id) => void log.push(`${id} began a turn`),
      ended: (id) => void log.push(`${id} ended a turn`),
      cameBack: (id) => void log.push(`a message of ${id} came back`),
    },
    access: { credentialKind: () => "api-key" },
    revision: "r1",
    operatorPronouns: "they/them",
    onUnexpected: (error) => expect.unreachable(String(error)),
    now: () => NOW,
  });
});

function hello(extra: { revision?: string; instance?: string } = {}, push: Peer["push"] = () => true) {
  const peer: Peer = { push, ended: new AbortController().signal };
  const usual = {
    protocol: PROTOCOL,
    instance: "i1",
    revision: "r1",
    generation: 1,
    resident_servers: 0,
    busy: false,
    leases: [],
  };
  return harnesses.hello(agent, { ...usual, ...extra }, peer);
}

test("a cage that has ended ends its turn, then returns the leases of its harness, then all others of the agent", async () => {
  await hello();
  log = [];
  await bus.emitAndWait("cage_ended", { agent, why: "the cage crashed" });
  expect(log).toEqual(["interrupt: the cage crashed", "release leases of i1", "release all leases"]);
  expect(agent.harness).toBeUndefined();
});

test("a harness is announced before the turns of an earlier one end, and a second harness is refused", async () => {
  const { assignment } = await hello();
  expect(log).toEqual(["connected i1", "interrupt: another harness of the agent took over"]);
  expect(assignment).toMatchObject({ credential_kind: "api-key", system_prompt: expect.stringContaining("You are ada") });
  await expect(hello({ instance: "i2" })).rejects.toMatchObject({ code: "conflict" });
});

test("what an agent has done in the repositories of its config is on its row, also when its cage has ended", async () => {
  const config = AgentConfig.parse({ repos: [{ name: "web" }] });
  agent.switchTo(1, { config, instructions: "", warnings: [], unreadable: undefined });
  await hello();
  expect(agentView(agent, { secretProblems: [] } as never).work).toBeUndefined();
  const web = { repo: "web", branch: "topic", added: 12, removed: 3 };
  harnesses.report(agent, { work: [web, { repo: "other", added: 1, removed: 0 }] });
  expect(agentView(agent, { secretProblems: [] } as never).work).toEqual([web]);
  await bus.emitAndWait("cage_ended", { agent, why: "asleep" });
  expect(agentView(agent, { secretProblems: [] } as never).work).toEqual([web]);
  agent.switchTo(2, { config: AgentConfig.parse({}), instructions: "", warnings: [], unreadable: undefined });
  expect(agentView(agent, { secretProblems: [] } as never).work).toBeUndefined();
});

test("lines of a commit that was merged are no work any more; those that no commit has are", async () => {
  const config = AgentConfig.parse({ repos: [{ name: "web" }] });
  agent.switchTo(1, { config, instructions: "", warnings: [], unreadable: undefined });
  await hello();
  const [commit, base] = ["c".repeat(40), "main"];
  harnesses.report(agent, {
    work: [{ repo: "web", branch: "topic", added: 4, removed: 1, head: { commit, base, added: 1, removed: 0 } }],
  });
  const shown = (merged: string) =>
    agentView(agent, {
      secretProblems: [],
      isMerged: (...of: string[]) => of.join(" ") === merged,
    } as never).work;
  expect(shown("")).toEqual([{ repo: "web", branch: "topic", added: 4, removed: 1 }]);
  expect(shown(`web ${base} ${commit}`)).toEqual([{ repo: "web", branch: "topic", added: 1, removed: 0 }]);
});

test("a harness with repositories is told whether someone looks", async () => {
  const pushed: unknown[] = [];
  const { assignment } = await hello({}, (line) => pushed.push(line) > 0);
  expect(assignment.watched).toBe(true);
  tellWatched(false);
  expect(pushed).toEqual([]);
  const config = AgentConfig.parse({ repos: [{ name: "web" }] });
  agent.switchTo(1, { config, instructions: "", warnings: [], unreadable: undefined });
  tellWatched(false);
  tellWatched(true);
  expect(pushed).toEqual([
    { push: "watched", watched: false },
    { push: "watched", watched: true },
  ]);
});

test("a workspace that a harness waits for is on the agent's row until it is ready or the harness has ended", async () => {
  await hello();
  const shown = (): [string | undefined, string[]] => {
    const { state_reason: reason, warnings } = agentView(agent, { secretProblems: [] } as never);
    return [reason, warnings];
  };
  stateOf(agent).cage.phase = { at: "starting" };
  const reported = (workspace: { repo: string; failed: boolean; reason: string } | null): [string | undefined, string[]] => {
    harnesses.report(agent, { workspace });
    stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: "r1" };
    return shown();
  };
  expect(reported({ repo: "web", failed: false, reason: "it is cloned" })).toEqual(["preparing the workspace web", []]);
  expect(agentView(agent, { secretProblems: [] } as never).unready_workspace).toBeUndefined();
  const [, [warning]] = reported({ repo: "web", failed: true, reason: "the set-up failed" });
  expect(warning).toMatch(/^workspace not ready: web: the set-up failed; .*work retry ada.*work skip ada/);
  expect(agentView(agent, { secretProblems: [] } as never).unready_workspace).toEqual({
    repo: "web",
    reason: "the set-up failed",
  });
  expect(reported(null)).toEqual([undefined, []]);
  expect(agentView(agent, { secretProblems: [] } as never).unready_workspace).toBeUndefined();
  reported({ repo: "web", failed: true, reason: "of the last harness" });
  await hello({ instance: "i1" });
  expect(shown()).toEqual([undefined, []]);
  reported({ repo: "web", failed: true, reason: "again" });
  await harnesses.release(agent, "a test");
  expect(shown()).toEqual([undefined, []]);
});

test("a turn that its budget ends parks the agent as long as the limit is reached, and no longer", async () => {
  stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: "r1" };
  const { session } = await hello();
  harnesses.report(agent, { activity: "thinking" });
  stop = { scope: "agent", kind: "cost_per_day_usd", limit: 5, extra: 2, ends: NOW + 9_000 } as Stop;
  log = [];
  bus.emit("budget_changed", agent);
  expect(log).toEqual(["not served"]);
  // Its turn may still end well.
  expect(agent.state).toBe("thinking");
  const overBudget = { kind: "parked", why: "rate_limited", reason: "hyperhive: the budget is used up" } as const;
  await harnesses.finish(agent, session, { turn: 1, outcome: overBudget });
  expect(log).not.toContain("a1 ended a turn");
  expect(agent.park).toBeUndefined();
  expect(agentView(agent, { secretProblems: [] } as never)).toMatchObject({
    state: "rate_limited",
    over_budget: true,
    state_reason: "the budget of $5.00 a day and $2.00 more is used up",
    resumes_at: new Date(NOW + 9_000).toISOString(),
  });
  stop = undefined;
  bus.emit("budget_changed", agent);
  expect(log.at(-1)).toBe("served");
  expect(agentView(agent, { secretProblems: [] } as never)).toMatchObject({
    state: "idle",
    over_budget: undefined,
    resumes_at: undefined,
  });
});

test("a limit that another agent has met holds this one, until its time or until the operator lets it try", async () => {
  stateOf(agent).cage.phase = { at: "running", running: {} as never, since: 0, revision: "r1" };
  heldUntil = NOW + 7_000;
  bus.emit("budget_changed", agent);
  expect(log).toEqual(["not served"]);
  expect(agentView(agent, { secretProblems: [] } as never)).toMatchObject({
    state: "rate_limited",
    state_reason: expect.stringContaining("limits the credential that the agents share"),
    resumes_at: new Date(NOW + 7_000).toISOString(),
  });
  harnesses.clearParks(agent);
  expect(log.at(-1)).toBe("ada is released");
  heldUntil = undefined;
  bus.emit("budget_changed", agent);
  expect([agent.state, log.at(-1)]).toEqual(["idle", "served"]);
});

test("an outdated harness is announced between its turns", async () => {
  const next = async (): Promise<string[]> => {
    const { session } = await hello({ revision: "older" });
    log = [];
    await new Promise(harnesses.next(agent, session));
    return log;
  };
  expect(await next()).toEqual(["outdated ada"]);
});

test("a turn's end is announced after its leases have ended, and a park holds the mail until its end", async () => {
  const { session } = await hello();
  log = [];
  await harnesses.finish(agent, session, { turn: 1, outcome: { kind: "ok" } });
  expect(log).toEqual(["finish leases", "a1 ended a turn", "turn ended ok ok"]);
  rateLimitEnds = NOW + 5_000;
  log = [];
  await harnesses.finish(agent, session, {
    turn: 2,
    outcome: { kind: "parked", why: "rate_limited", reason: "slow down" },
  });
  expect(log).toEqual(["finish leases", "a message of a1 came back", "not served", "turn ended parked parked"]);
  expect(agent.park).toMatchObject({ why: "rate_limited", until: NOW + 5_000 });
  harnesses.unpark(agent);
  expect(log.at(-1)).toBe("served");
});

test("a session is stored only when it has changed", async () => {
  await hello();
  log = [];
  harnesses.report(agent, { session_id: "s1" });
  harnesses.report(agent, { session_id: "s1" });
  harnesses.report(agent, { session_id: null });
  expect(log).toEqual(["store session s1", "store session undefined"]);
});

test("the reason why a harness cannot run is kept until another harness says hello or the cage has ended", async () => {
  for (const over of [() => hello(), () => harnesses.release(agent, "the cage crashed")]) {
    await hello();
    harnesses.report(agent, { problem: "the harness cannot read its assignment" });
    expect(agent.problem).toBe("the harness cannot read its assignment");
    await over();
    expect(agent.problem).toBeUndefined();
  }
});

test("a turn whose number the daemon has not given ends nothing", async () => {
  const { session } = await hello();
  log = [];
  refused = new HiveError("bad_request", "turn 7 was not assigned by the daemon");
  await expect(harnesses.finish(agent, session, { turn: 7, outcome: { kind: "ok" } })).rejects.toBe(refused);
  expect(() => harnesses.publish(agent, session, [])).toThrow(refused);
  expect(log).toEqual([]);
});
