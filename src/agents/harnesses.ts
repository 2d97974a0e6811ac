import { asRun } from "../lib/hivectl.ts";
import type { ByCall } from "../wire/by-call.ts";
import { HiveError } from "../wire/error.ts";
import type { SpooledEvent } from "../wire/event.ts";
import { OLDEST_PROTOCOL, PROTOCOL, turnResultOf, type HarnessPush } from "../wire/harness.ts";
import { MAX_STATUS_CHARS } from "../wire/limits.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import type { Feed } from "../eventlog/feed.ts";
import type { Broker } from "../messages/broker.ts";
import { TURN_ENDS, turnEndRule, type Fault } from "../wire/turn-ends.ts";
import { afterAwake, Moment } from "../lib/timers.ts";
import { stateOf, type Agent } from "./agent.ts";
import type { AgentBus } from "./events.ts";
import { systemPrompt } from "./prompt.ts";
import { saveRecord } from "./records.ts";
import type { Sleep } from "./sleep.ts";
import type { AgentStore, Swarm } from "./swarm.ts";
import type { Turns } from "./turns.ts";
import type { Budgets } from "../policy/budgets.ts";
import { parkDelay, type ParkReason } from "./backoff.ts";
import { Deltas } from "./deltas.ts";
import type { HarnessSession } from "./harness-session.ts";

/** How long a disconnected harness may take to reconnect before its leases are returned. Milliseconds. */
const RECONNECT_GRACE_MS = 30_000;

const NOT_RECONNECTED = `the harness did not connect again within ${RECONNECT_GRACE_MS / 1000} s`;

/** The harness's end of an agent socket. */
export interface Peer {
  push(line: HarnessPush): boolean;
  readonly ended: AbortSignal;
}

export interface HarnessDeps {
  broker: Pick<Broker, "leases" | "next" | "setServed" | "isHandling">;
  turns: Pick<Turns, "record" | "takeEnd" | "interrupt" | "position" | "resume">;
  sleep: Pick<Sleep, "idle" | "busy">;
  agentStore: Pick<AgentStore, "update">;
  agents: Pick<Swarm, "all">;
  /** Whether someone follows the hive. */
  feed: Pick<Feed, "isWatched" | "onWatched">;
  bus: Pick<AgentBus, "on" | "emit">;
  /** When the agent's rate limit ends, if an answer of the model said so. Milliseconds since the epoch. */
  modelUse: {
    limitEnds(agent: Agent): number | undefined;
    /** When a limit that another agent has met lets this one go on. */
    heldUntil(agent: Agent): number | undefined;
    release(agent: Agent): void;
  };
  /** The limits that keep agents from their next turn. They count the turns that begin. */
  budgets: Pick<Budgets, "stopOf" | "began" | "ended" | "cameBack">;
  /** The kind of placeholder credential that harnesses get. */
  access: { credentialKind(credential: string): "api-key" | "oauth" };
  /** The revision of the runtime in new cages. A harness with another one is replaced between turns. */
  revision: string;
  operatorPronouns: string;
  /** The agent's repositories with their settings. */
  reposOf(agent: Agent): Output<"hello">["repos"];
  /** The secrets that the agent's config gives it, as variables. */
  secretsOf(agent: Agent): Record<string, string>;
  /** What happened in the agent's repositories since its last turn. Taken when a turn begins. */
  newsFor(agent: Agent): string[] | undefined;
  /** Reports that background work has failed. */
  onUnexpected(error: unknown): void;
  now(): number;
}

/**
 * Serves the requests of the harnesses and applies the ends of their turns to the agents. An agent has one harness at a
 * time.
 */
export class Harnesses {
  readonly #deps: HarnessDeps;
  /** Cancels the reconnect timer of a disconnected harness. */
  readonly #graces = new WeakMap<Agent, () => void>();
  readonly #deltas: Deltas;

  constructor(deps: HarnessDeps) {
    this.#deps = deps;
    this.#deltas = new Deltas(deps.now);
    deps.feed.onWatched((watched) => {
      for (const { config, harness } of deps.agents.all())
        if (config.repos.length > 0) harness?.push({ push: "watched", watched });
    });
    deps.bus.on("budget_changed", (agent) => {
      this.serve(agent);
      deps.bus.emit("changed", agent);
    });
    deps.bus.on("cage_ended", async ({ agent, why }) => {
      await this.release(agent, why);
      await deps.broker.leases.releaseAll(agent.id);
    });
  }

  /** Makes `peer` the agent's harness. Refused while another harness is connected, and for an unsupported protocol. */
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
      throw new HiveError("conflict", `another harness of ${agent.name} is connected: an agent has one at a time`);
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
    this.#cancelGrace(agent);
    stateOf(agent).harness.session = session;
    stateOf(agent).harness.problem = undefined;
    stateOf(agent).harness.workspace = undefined;
    stateOf(agent).harness.residentServers = hello.resident_servers;
    this.#deps.bus.emit("harness_connected", { agent, session });
    await this.#deps.turns.interrupt(agent, "another harness of the agent took over", hello.instance);
    const leases = await this.#deps.broker.leases.present(agent.id, hello.instance, hello.leases);
    if (hello.busy) this.#deps.turns.resume(agent);
    stateOf(agent).harness.activity = hello.busy ? "thinking" : "idle";
    peer.ended.addEventListener("abort", () => this.#disconnected(agent, session), { once: true });
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
        credential_kind: this.#deps.access.credentialKind(agent.credential),
        paused: agent.record.paused,
        confirmed_n: confirmedN,
        next_turn: nextTurn,
        leases,
        repos: this.#deps.reposOf(agent),
        secrets: this.#deps.secretsOf(agent),
        watched: this.#deps.feed.isWatched,
      },
    };
  }

  /** A connection has ended. The process may reconnect and keep its leases. If it does not, they are returned. */
  #disconnected(agent: Agent, session: HarnessSession): void {
    if (agent.harness !== session) return;
    this.#startGrace(agent, session);
    this.#deps.bus.emit("changed", agent);
  }

  /**
   * The agent's cage survived the last daemon. Its harness must reconnect in time, or its turn ends and its leases
   * return.
   */
  expect(agent: Agent): void {
    if (!agent.harness) this.#startGrace(agent, undefined);
  }

  /** Releases the turn and the leases of `session` unless a harness says hello in time. */
  #startGrace(agent: Agent, session: HarnessSession | undefined): void {
    this.#cancelGrace(agent);
    const cancel = afterAwake(RECONNECT_GRACE_MS, () => {
      if (agent.harness === session) this.release(agent, NOT_RECONNECTED).catch(this.#deps.onUnexpected);
    });
    this.#graces.set(agent, cancel);
  }

  #cancelGrace(agent: Agent): void {
    this.#graces.get(agent)?.();
    this.#graces.delete(agent);
  }

  /**
   * Ends the turn of the agent's harness and returns its leases. Called when its cage has ended. `why` is the turn's
   * reason.
   */
  async release(agent: Agent, why: string): Promise<void> {
    const session = agent.harness;
    this.#cancelGrace(agent);
    stateOf(agent).harness.session = undefined;
    stateOf(agent).harness.problem = undefined;
    stateOf(agent).harness.workspace = undefined;
    stateOf(agent).harness.activity = "idle";
    try {
      await this.#deps.turns.interrupt(agent, why);
    } finally {
      await this.#returnLeases(agent, session);
    }
  }

  async #returnLeases(agent: Agent, session: HarnessSession | undefined): Promise<void> {
    try {
      if (session) await this.#deps.broker.leases.release(agent.id, session.instance);
    } finally {
      this.#deps.bus.emit("changed", agent);
      agent.notifyQuiet();
    }
  }

  /** Leases the next message, and waits for one if necessary. Answers `sleep` when the broker offers it. */
  next(agent: Agent, session: HarnessSession): ByCall<Output<"next">> {
    return (done, failed) => {
      if (session.stale) this.#deps.bus.emit("harness_outdated", agent);
      this.#setActivity(agent, "idle");
      this.#deps.sleep.idle(agent);
      const begin = this.#deps.broker.next(agent.id, session.instance, session.ended);
      begin((served) => {
        try {
          // Respond first. The updates below only affect what is shown.
          if ("sleep" in served) done({ unread: 0, sleep: true });
          else {
            const news = this.#deps.newsFor(agent);
            done({ message: served.message, token: served.token, unread: served.unread, ...(news ? { news } : {}) });
          }
          this.#deps.sleep.busy(agent);
          if ("message" in served) {
            this.#setActivity(agent, "thinking");
            this.#deps.budgets.began(agent.id);
          }
        } catch (error) {
          failed(error);
        }
      }, failed);
    };
  }

  /** Ends a turn. An outcome that is about the agent, not the message, parks the agent. */
  async finish(agent: Agent, session: HarnessSession, { turn, outcome }: Parsed<"finish">): Promise<void> {
    this.#deps.turns.takeEnd(agent, turn);
    await this.#deps.broker.leases.finish(agent.id, session.instance, outcome);
    if (outcome.kind === "ok") stateOf(agent).harness.parksInARow = 0;
    // A turn that its budget has ended goes on when that does. Its message comes back, for a turn with a budget of its own.
    const isOverBudget = outcome.kind === "parked" && outcome.why === "rate_limited" && this.#deps.budgets.stopOf(agent.id);
    const comesBack = outcome.kind === "parked" || (outcome.kind === "cancelled" && outcome.return);
    if (comesBack) this.#deps.budgets.cameBack(agent.id);
    else this.#deps.budgets.ended(agent.id);
    if (outcome.kind === "parked" && !isOverBudget) this.#park(agent, outcome.why, outcome.reason, outcome.resumes_at);
    if (outcome.kind === "failed") this.#park(agent, outcome.why, outcome.reason, undefined);
    this.#setActivity(agent, "idle");
    this.#deps.bus.emit("turn_ended", { agent, result: turnResultOf(outcome), outcome });
    agent.notifyQuiet();
  }

  /** Stores turn events. Resolves with the last `n` that is on stable storage. */
  publish(agent: Agent, session: HarnessSession, events: Parsed<"publish">["events"]): Promise<number> {
    // First, because it refuses the events of a turn that the daemon did not number.
    const stored = this.#deps.turns.record(agent, session.instance, events);
    for (const { event } of events) this.#apply(agent, event);
    return stored;
  }

  /** The partial text to show in browsers. Undefined if the agent writes too much of it. */
  delta(agent: Agent, delta: Parsed<"delta">): Parsed<"delta"> | undefined {
    return this.#deltas.shown(agent.id, delta);
  }

  report(agent: Agent, report: Parsed<"report">): void {
    if (report.session_id !== undefined) this.#saveSession(agent, report.session_id ?? undefined);
    if (report.context_tokens !== undefined) stateOf(agent).harness.contextTokens = report.context_tokens;
    if (report.context_window !== undefined) stateOf(agent).harness.contextWindow = report.context_window;
    if (report.problem !== undefined) stateOf(agent).harness.problem = report.problem;
    if (report.workspace !== undefined) stateOf(agent).harness.workspace = report.workspace ?? undefined;
    if (report.work !== undefined) stateOf(agent).harness.work = report.work;
    if (report.servers !== undefined) stateOf(agent).harness.unconnected = configuredServers(agent, report.servers);
    if (report.activity) this.#setActivity(agent, report.activity);
    else this.#deps.bus.emit("changed", agent);
  }

  #saveSession(agent: Agent, sessionId: string | undefined): void {
    if (agent.record.sessionId === sessionId) return;
    saveRecord(this.#deps.agentStore, agent, { sessionId }).catch(this.#deps.onUnexpected);
  }

  /** Ends a park at once. */
  unpark(agent: Agent): void {
    if (!agent.park) return;
    clearTimeout(agent.park.timer);
    stateOf(agent).harness.park = undefined;
    this.serve(agent);
    this.#deps.bus.emit("changed", agent);
  }

  /** Ends a park whose cause has just been changed. The message is retried at once. */
  unparkFrom(agent: Agent, ...faults: Fault[]): void {
    if (!agent.park || !faults.includes(agent.park.fault)) return;
    stateOf(agent).harness.parksInARow = 0;
    this.unpark(agent);
  }

  /** Ends a park and resets the delay of the next one, because the operator has acted. */
  clearParks(agent: Agent): void {
    this.#deps.modelUse.release(agent);
    stateOf(agent).harness.parksInARow = 0;
    this.unpark(agent);
  }

  /** Clears the context size. A new session has an empty context. */
  sessionIsNew(agent: Agent): void {
    stateOf(agent).harness.contextTokens = undefined;
  }

  /** Takes the context size and the unconnected tool servers from a turn event. */
  #apply(agent: Agent, event: SpooledEvent["event"]): void {
    const state = stateOf(agent).harness;
    if (event.type === "session") state.unconnected = stillUnconnected(agent, event.mcp);
    if (event.type !== "turn_end") return;
    state.contextTokens = event.context_tokens ?? state.contextTokens;
    state.contextWindow = event.context_window ?? state.contextWindow;
  }

  /** Sets in the broker whether this agent receives its mail. */
  serve(agent: Agent): void {
    const stop = this.#deps.budgets.stopOf(agent.id);
    const heldUntil = this.#deps.modelUse.heldUntil(agent);
    Object.assign(stateOf(agent).harness, { stop, heldUntil });
    this.#deps.broker.setServed(agent.id, !agent.record.paused && !agent.park && !agent.held && !stop && heldUntil === undefined);
  }

  /** Holds the turn loop. No further turn begins. */
  hold(agent: Agent): void {
    stateOf(agent).harness.held = true;
    this.serve(agent);
  }

  /** Releases the turn loop. */
  unhold(agent: Agent): void {
    stateOf(agent).harness.held = false;
    this.serve(agent);
    if (agent.activity === "idle" && agent.harness) this.#deps.sleep.idle(agent);
  }

  /** True while a turn or a command of the operator runs. */
  isBusy(agent: Agent): boolean {
    return this.#deps.broker.isHandling(agent.id) || agent.activity === "compacting";
  }

  #park(agent: Agent, why: ParkReason, reason: string, resumesAt: string | undefined): void {
    if (agent.park) clearTimeout(agent.park.timer);
    const state = stateOf(agent).harness;
    state.parksInARow++;
    const now = this.#deps.now();
    const knownEnd = resumesAt
      ? Date.parse(resumesAt)
      : why === "rate_limited"
        ? this.#deps.modelUse.limitEnds(agent)
        : undefined;
    const until = knownEnd !== undefined && knownEnd > now ? knownEnd : now + parkDelay(why, state.parksInARow);
    const { remedy } = turnEndRule(why);
    stateOf(agent).harness.park = {
      why,
      fault: TURN_ENDS[why].fault,
      reason: remedy === undefined ? reason : `${reason}; ${asRun(remedy)}`,
      until,
      timer: this.#schedulePark(agent, new Moment(until, this.#deps.now)),
    };
    this.serve(agent);
  }

  #schedulePark(agent: Agent, end: Moment): NodeJS.Timeout {
    const check = (): void => {
      if (end.hasCome) this.unpark(agent);
      else {
        const { park } = stateOf(agent).harness;
        if (park) park.timer = this.#schedulePark(agent, end);
      }
    };
    const timer = setTimeout(check, end.pause);
    timer.unref();
    return timer;
  }

  #setActivity(agent: Agent, activity: Agent["activity"]): void {
    if (agent.activity === activity) return;
    stateOf(agent).harness.activity = activity;
    this.#deps.bus.emit("changed", agent);
    if (activity === "idle") agent.notifyQuiet();
  }
}

/** Keeps only the servers that the agent's config names. This bounds the list. */
function configuredServers(agent: Agent, servers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(servers).filter(([name]) => name in agent.config.extraMcpServers || name === "hive"));
}

/**
 * The servers of the agent's config that a new CLI process has not connected to, each with the reason if one was
 * reported.
 */
function stillUnconnected(agent: Agent, mcp: Record<string, string>): Record<string, string> {
  const failed = Object.keys(agent.config.extraMcpServers).filter((name) => mcp[name] !== "connected");
  return Object.fromEntries(
    failed.map((name) => [name, agent.unconnected[name] ?? mcp[name]?.slice(0, MAX_STATUS_CHARS) ?? "unknown"]),
  );
}
