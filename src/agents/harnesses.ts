import { asRun } from "../lib/hivectl.ts";
import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import type { SpooledEvent } from "../wire/event.ts";
import { OLDEST_PROTOCOL, PROTOCOL, turnResultOf, type HarnessPush } from "../wire/harness.ts";
import { MAX_STATUS_CHARS } from "../wire/limits.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import type { Broker } from "../messages/broker.ts";
import { TURN_ENDS, turnEndRule, type Fault } from "../wire/turn-ends.ts";
import { afterAwake, Moment } from "../lib/timers.ts";
import { stateOf, type Agent } from "./agent.ts";
import type { AgentBus } from "./events.ts";
import { systemPrompt } from "./prompt.ts";
import { saveRecord } from "./records.ts";
import type { Sleep } from "./sleep.ts";
import type { AgentStore } from "./swarm.ts";
import type { Turns } from "./turns.ts";
import { parkDelay, type ParkReason } from "./backoff.ts";
import { Deltas } from "./deltas.ts";
import type { HarnessSession } from "./harness-session.ts";

/** How long a harness whose connection broke may take to come back before its leases are returned. Milliseconds. */
const RECONNECT_GRACE_MS = 30_000;

const NOT_BACK = `the harness did not connect again within ${RECONNECT_GRACE_MS / 1000} s`;

/** The peer of one agent socket, as it looks from here. */
export interface Peer {
  push(line: HarnessPush): boolean;
  readonly ended: AbortSignal;
}

export interface HarnessDeps {
  broker: Pick<Broker, "leases" | "next" | "setServed" | "isHandling">;
  turns: Pick<Turns, "record" | "takeEnd" | "interrupt" | "position">;
  sleep: Pick<Sleep, "idle" | "busy">;
  agentStore: Pick<AgentStore, "update">;
  bus: Pick<AgentBus, "on" | "emit">;
  /** When the agent's rate limit ends, if an answer of the model said so. Milliseconds since the epoch. */
  modelUse: { limitEnds(agent: Agent): number | undefined };
  /** The kind of placeholder credential that harnesses get. */
  access: { readonly credentialKind: "api-key" | "oauth" };
  /** Revision of the runtime that new cages get; another one is replaced between turns. */
  revision: string;
  operatorPronouns: string;
  /** Background work has failed. */
  onUnexpected(error: unknown): void;
  now(): number;
}

/** What a harness may ask for, and what its turns' ends mean for its agent. One harness per agent at a time. */
export class Harnesses {
  readonly #deps: HarnessDeps;
  /** How to call off the wait for a harness whose connection broke. */
  readonly #graces = new WeakMap<Agent, () => void>();
  readonly #deltas: Deltas;

  constructor(deps: HarnessDeps) {
    this.#deps = deps;
    this.#deltas = new Deltas(deps.now);
    deps.bus.on("cage_ended", async ({ agent, why }) => {
      await this.release(agent, why);
      await deps.broker.leases.releaseAll(agent.id);
    });
  }

  /** Makes `peer` the agent's harness. Refused while another one lives, and to a protocol we do not speak. */
  async hello(
    agent: Agent,
    hello: Parsed<"hello">,
    peer: Peer,
  ): Promise<{ session: HarnessSession; assignment: Output<"hello"> }> {
    if (hello.protocol > PROTOCOL) {
      throw new HiveError(
        "protocol",
        `this harness speaks protocol ${hello.protocol}, newer than the daemon's ${PROTOCOL}: update the daemon`,
      );
    }
    if (hello.protocol < OLDEST_PROTOCOL) {
      throw new HiveError(
        "protocol",
        `this harness speaks protocol ${hello.protocol}, older than ${OLDEST_PROTOCOL}: restart the agent to replace it`,
      );
    }
    if (agent.harness && agent.harness.instance !== hello.instance && !agent.harness.ended.aborted) {
      throw new HiveError("conflict", `another harness of ${agent.name} lives: there is one at a time`);
    }
    const session: HarnessSession = {
      instance: hello.instance,
      revision: hello.revision,
      protocol: hello.protocol,
      generation: hello.generation,
      stale: hello.revision !== this.#deps.revision || hello.protocol !== PROTOCOL || hello.generation !== agent.generation,
      push: peer.push,
      ended: peer.ended,
    };
    this.#callOffGrace(agent);
    stateOf(agent).harness.session = session;
    stateOf(agent).harness.problem = undefined;
    stateOf(agent).harness.residentServers = hello.resident_servers;
    this.#deps.bus.emit("harness_connected", { agent, session });
    await this.#deps.turns.interrupt(agent, "another harness of the agent took over", hello.instance);
    const leases = await this.#deps.broker.leases.present(agent.id, hello.instance, hello.leases);
    stateOf(agent).harness.activity = hello.busy ? "thinking" : "idle";
    peer.ended.addEventListener("abort", () => this.#gone(agent, session), { once: true });
    const { confirmedN, nextTurn } = this.#deps.turns.position(agent, hello.instance);
    this.#deps.bus.emit("changed", agent);
    return {
      session,
      assignment: {
        protocol: Math.min(hello.protocol, PROTOCOL),
        agent: { id: agent.id, name: agent.name, role: agent.role },
        config: agent.config,
        system_prompt: systemPrompt(agent, this.#deps.operatorPronouns),
        model: agent.model,
        session_id: agent.record.sessionId,
        credential_kind: this.#deps.access.credentialKind,
        paused: agent.record.paused,
        confirmed_n: confirmedN,
        next_turn: nextTurn,
        leases,
      },
    };
  }

  /** A connection ended. The process may come back with its leases; when it does not, they are returned. */
  #gone(agent: Agent, session: HarnessSession): void {
    if (agent.harness !== session) return;
    this.#startGrace(agent, session);
    this.#deps.bus.emit("changed", agent);
  }

  /** The agent's cage outlived the last daemon: its harness connects again, or what it had under way ends. */
  expect(agent: Agent): void {
    if (!agent.harness) this.#startGrace(agent, undefined);
  }

  /** Releases what `session` holds unless a harness says hello in time. */
  #startGrace(agent: Agent, session: HarnessSession | undefined): void {
    this.#callOffGrace(agent);
    const callOff = afterAwake(RECONNECT_GRACE_MS, () => {
      if (agent.harness === session) this.release(agent, NOT_BACK).catch(this.#deps.onUnexpected);
    });
    this.#graces.set(agent, callOff);
  }

  #callOffGrace(agent: Agent): void {
    this.#graces.get(agent)?.();
    this.#graces.delete(agent);
  }

  /** Ends the turn of the agent's harness and gives back what it held. Called when its cage is gone; `why` says how. */
  async release(agent: Agent, why: string): Promise<void> {
    const session = agent.harness;
    this.#callOffGrace(agent);
    stateOf(agent).harness.session = undefined;
    stateOf(agent).harness.problem = undefined;
    stateOf(agent).harness.activity = "idle";
    try {
      await this.#deps.turns.interrupt(agent, why);
    } finally {
      await this.#giveBack(agent, session);
    }
  }

  async #giveBack(agent: Agent, session: HarnessSession | undefined): Promise<void> {
    try {
      if (session) await this.#deps.broker.leases.release(agent.id, session.instance);
    } finally {
      this.#deps.bus.emit("changed", agent);
      agent.settle();
    }
  }

  /** Leases the next message, waiting for it; answers `sleep` when the broker says so. */
  next(agent: Agent, session: HarnessSession): ByCall<Output<"next">> {
    return (done, failed) => {
      if (session.stale) this.#deps.bus.emit("harness_outdated", agent);
      this.#setActivity(agent, "idle");
      this.#deps.sleep.idle(agent);
      const begin = this.#deps.broker.next(agent.id, session.instance, session.ended);
      begin((served) => {
        try {
          // The answer first: somebody waits for it, and what follows is for whoever looks on.
          if ("sleep" in served) done({ unread: 0, sleep: true });
          else done({ message: served.message, token: served.token, unread: served.unread });
          this.#deps.sleep.busy(agent);
          if ("message" in served) this.#setActivity(agent, "thinking");
        } catch (error) {
          failed(error);
        }
      }, failed);
    };
  }

  /** Ends a turn. What the outcome says of the agent (not of the message) parks it. */
  async finish(agent: Agent, session: HarnessSession, { turn, outcome }: Parsed<"finish">): Promise<void> {
    this.#deps.turns.takeEnd(agent, turn);
    await this.#deps.broker.leases.finish(agent.id, session.instance, outcome);
    if (outcome.kind === "ok") stateOf(agent).harness.parksInARow = 0;
    if (outcome.kind === "parked") this.#park(agent, outcome.why, outcome.reason, outcome.resumes_at);
    if (outcome.kind === "failed") this.#park(agent, outcome.why, outcome.reason, undefined);
    this.#setActivity(agent, "idle");
    this.#deps.bus.emit("turn_ended", { agent, result: turnResultOf(outcome), outcome });
    agent.settle();
  }

  /** Stores turn events; resolves with the last `n` that is on stable storage. */
  publish(agent: Agent, session: HarnessSession, events: Parsed<"publish">["events"]): Promise<number> {
    // First: it refuses the events of a turn that is not the daemon's.
    const stored = this.#deps.turns.record(agent, session.instance, events);
    for (const { event } of events) this.#heard(agent, event);
    return stored;
  }

  /** What browsers are shown of partial text; undefined if the agent writes too much of it. */
  delta(agent: Agent, delta: Parsed<"delta">): Parsed<"delta"> | undefined {
    return this.#deltas.shown(agent.id, delta);
  }

  report(agent: Agent, report: Parsed<"report">): void {
    if (report.session_id !== undefined) this.#saveSession(agent, report.session_id ?? undefined);
    if (report.context_tokens !== undefined) stateOf(agent).harness.contextTokens = report.context_tokens;
    if (report.context_window !== undefined) stateOf(agent).harness.contextWindow = report.context_window;
    if (report.problem !== undefined) stateOf(agent).harness.problem = report.problem;
    if (report.servers !== undefined) stateOf(agent).harness.unconnected = ofConfig(agent, report.servers);
    if (report.activity) this.#setActivity(agent, report.activity);
    else this.#deps.bus.emit("changed", agent);
  }

  #saveSession(agent: Agent, sessionId: string | undefined): void {
    if (agent.record.sessionId === sessionId) return;
    saveRecord(this.#deps.agentStore, agent, { sessionId }).catch(this.#deps.onUnexpected);
  }

  /** Ends a park at once: the operator says so, or what it waited for has come. */
  unpark(agent: Agent): void {
    if (!agent.park) return;
    clearTimeout(agent.park.timer);
    stateOf(agent).harness.park = undefined;
    this.serve(agent);
    this.#deps.bus.emit("changed", agent);
  }

  /** Ends a park whose cause has just been changed. The message is tried at once. */
  unparkFrom(agent: Agent, ...faults: Fault[]): void {
    if (!agent.park || !faults.includes(agent.park.fault)) return;
    stateOf(agent).harness.parksInARow = 0;
    this.unpark(agent);
  }

  /** The operator has changed something: the next park is a short one again, and one that lasts ends. */
  forgive(agent: Agent): void {
    stateOf(agent).harness.parksInARow = 0;
    this.unpark(agent);
  }

  /** A new session has an empty context. */
  sessionIsNew(agent: Agent): void {
    stateOf(agent).harness.contextTokens = undefined;
  }

  /** What an event of a turn says of the agent's context and tool servers. */
  #heard(agent: Agent, event: SpooledEvent["event"]): void {
    const state = stateOf(agent).harness;
    if (event.type === "session") state.unconnected = stillUnconnected(agent, event.mcp);
    if (event.type !== "turn_end") return;
    state.contextTokens = event.context_tokens ?? state.contextTokens;
    state.contextWindow = event.context_window ?? state.contextWindow;
  }

  /** Tells the broker whether this agent is served its mail. */
  serve(agent: Agent): void {
    this.#deps.broker.setServed(agent.id, !agent.record.paused && !agent.park && !agent.held);
  }

  /** Holds the turn loop: from here on no further turn begins. */
  hold(agent: Agent): void {
    stateOf(agent).harness.held = true;
    this.serve(agent);
  }

  /** Lets the turn loop go on. */
  unhold(agent: Agent): void {
    stateOf(agent).harness.held = false;
    this.serve(agent);
    if (agent.activity === "idle" && agent.harness) this.#deps.sleep.idle(agent);
  }

  /** True while a turn, or a command of the operator, is under way. */
  isBusy(agent: Agent): boolean {
    return this.#deps.broker.isHandling(agent.id) || agent.activity === "compacting";
  }

  #park(agent: Agent, why: ParkReason, reason: string, resumesAt: string | undefined): void {
    if (agent.park) clearTimeout(agent.park.timer);
    const state = stateOf(agent).harness;
    state.parksInARow++;
    const now = this.#deps.now();
    const told = resumesAt ? Date.parse(resumesAt) : why === "rate_limited" ? this.#deps.modelUse.limitEnds(agent) : undefined;
    const until = told !== undefined && told > now ? told : now + parkDelay(why, state.parksInARow);
    const { remedy } = turnEndRule(why);
    stateOf(agent).harness.park = {
      why,
      fault: TURN_ENDS[why].fault,
      reason: remedy === undefined ? reason : `${reason}; ${asRun(remedy)}`,
      until,
      timer: this.#lookAtPark(agent, new Moment(until, this.#deps.now)),
    };
    this.serve(agent);
  }

  #lookAtPark(agent: Agent, end: Moment): NodeJS.Timeout {
    const look = (): void => {
      if (end.hasCome) this.unpark(agent);
      else {
        const { park } = stateOf(agent).harness;
        if (park) park.timer = this.#lookAtPark(agent, end);
      }
    };
    const timer = setTimeout(look, end.pause);
    timer.unref();
    return timer;
  }

  #setActivity(agent: Agent, activity: Agent["activity"]): void {
    if (agent.activity === activity) return;
    stateOf(agent).harness.activity = activity;
    this.#deps.bus.emit("changed", agent);
    if (activity === "idle") agent.settle();
  }
}

/** What is said of servers that the agent has: a config names few. */
function ofConfig(agent: Agent, servers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(servers).filter(([name]) => name in agent.config.extraMcpServers || name === "hive"));
}

/** Servers of the agent's config that a new process of the CLI has not connected to. The reason is known where it was told. */
function stillUnconnected(agent: Agent, mcp: Record<string, string>): Record<string, string> {
  const failed = Object.keys(agent.config.extraMcpServers).filter((name) => mcp[name] !== "connected");
  return Object.fromEntries(
    failed.map((name) => [name, agent.unconnected[name] ?? mcp[name]?.slice(0, MAX_STATUS_CHARS) ?? "unknown"]),
  );
}
