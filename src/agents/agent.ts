import type { Running } from "../platforms/port.ts";
import type { AgentRole, AgentState, TokenCounts } from "../wire/agent.ts";
import type { Fault } from "../wire/turn-ends.ts";
import type { AgentConfig } from "../wire/config.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import type { AgentRecord } from "../store/agents.ts";
import type { DeployedTree } from "./config-tree.ts";
import type { HarnessSession } from "./harness-session.ts";
import type { ParkReason } from "./backoff.ts";

/**
 * Where a cage is in its life. `asleep` has no process at all and counts as running. The revision of a cage that was
 * adopted is not known until it says hello.
 */
export type CagePhase =
  | { at: "stopped" }
  | { at: "starting" }
  | { at: "running"; running: Running; since: number; revision: string | undefined }
  | { at: "dozing"; running: Running; since: number; revision: string | undefined }
  | { at: "asleep" }
  | { at: "stopping"; running: Running; revision: string | undefined }
  | { at: "backoff"; until: number; timer: NodeJS.Timeout; reason: string }
  | { at: "parked"; reason: string };

/** Why and until when an agent is not served its mail. */
export interface Park {
  why: ParkReason;
  fault: Fault;
  reason: string;
  until: number;
  timer: NodeJS.Timeout;
}

/** What the daemon knows of the turn that runs. */
export interface RunningTurn {
  turn: number;
  startedAt: number;
  tokens: TokenCounts;
  /** US dollars; undefined before the first answer, and once an answer came from a model without a price. */
  costUsd: number | undefined;
  isUnpriced: boolean;
}

/** Changed by `Cages` alone. */
interface CageState {
  phase: CagePhase;
  /** When the cage crashed, as far back as it counts. Milliseconds since the epoch. */
  crashTimes: number[];
  /** Mounts that do not work on this host just now, in words. */
  mountProblems: string[];
}

/** Changed by `Harnesses` alone. */
interface HarnessState {
  session: HarnessSession | undefined;
  activity: "idle" | "thinking" | "compacting";
  park: Park | undefined;
  /** Parks in a row without a successful turn: the delay grows with it. */
  parksInARow: number;
  contextTokens: number | undefined;
  contextWindow: number | undefined;
  residentServers: number;
  /** Tool servers that have not connected, and why. */
  unconnected: Record<string, string>;
  /** A deploy holds the turn loop: no message is served until it has ended. */
  held: boolean;
  /** Why its harness cannot run, in words of the harness. */
  problem: string | undefined;
}

/** Changed by the deploys alone. */
interface DeployState {
  /** The request that is being deployed. */
  request: number | undefined;
  /** How what is locked, stored and running differ, in words. */
  drift: string | undefined;
}

/**
 * The state of an agent, by the part of the hive that owns it. Everyone reads it on `Agent`; only the owner changes it,
 * through `stateOf`. `test/rules.test.ts` lists the owners.
 */
export interface AgentParts {
  /** `records.ts` */
  record: { current: AgentRecord };
  cage: CageState;
  harness: HarnessState;
  /** `Turns` */
  turn: { running: RunningTurn | undefined };
  deploy: DeployState;
  /** `DiskWatch` */
  disk: { warning: string | undefined };
  /** `Views` */
  shown: { stateSince: number };
}

/** The parts of an agent, for their owners. */
export function stateOf(agent: Agent): AgentParts {
  return Agent.partsOf(agent);
}

/** One agent of the hive: its durable record and its state. */
export class Agent {
  readonly #parts: AgentParts;
  #generation: number;
  #tree: DeployedTree;
  readonly #settled = new Set<() => void>();
  /** Start, stop, kill, sleep of this one agent. */
  readonly #lifecycle = new SerialQueue();

  constructor(record: AgentRecord, tree: DeployedTree, now = Date.now()) {
    this.#parts = {
      record: { current: record },
      cage: { phase: { at: "stopped" }, crashTimes: [], mountProblems: [] },
      harness: {
        session: undefined,
        activity: "idle",
        park: undefined,
        parksInARow: 0,
        contextTokens: undefined,
        contextWindow: undefined,
        residentServers: 0,
        unconnected: {},
        held: false,
        problem: undefined,
      },
      turn: { running: undefined },
      deploy: { request: undefined, drift: undefined },
      disk: { warning: undefined },
      shown: { stateSince: now },
    };
    this.#generation = record.generation;
    this.#tree = tree;
  }

  static partsOf(agent: Agent): AgentParts {
    return agent.#parts;
  }

  get record(): Readonly<AgentRecord> {
    return this.#parts.record.current;
  }
  /** The generation that its cage is started with: that of the record, or the one that a deploy tries. */
  get generation(): number {
    return this.#generation;
  }
  get config(): AgentConfig {
    return this.#tree.config;
  }
  get instructions(): string {
    return this.#tree.instructions;
  }
  /** Why its deployed config cannot be read. Its cage does not start then: `config` grants nothing. */
  get unreadable(): string | undefined {
    return this.#tree.unreadable;
  }
  get warnings(): readonly string[] {
    return this.#tree.warnings;
  }
  get phase(): Readonly<CagePhase> {
    return this.#parts.cage.phase;
  }
  get crashTimes(): readonly number[] {
    return this.#parts.cage.crashTimes;
  }
  get mountProblems(): readonly string[] {
    return this.#parts.cage.mountProblems;
  }
  get harness(): HarnessSession | undefined {
    return this.#parts.harness.session;
  }
  get activity(): HarnessState["activity"] {
    return this.#parts.harness.activity;
  }
  get park(): Readonly<Park> | undefined {
    return this.#parts.harness.park;
  }
  get contextTokens(): number | undefined {
    return this.#parts.harness.contextTokens;
  }
  get contextWindow(): number | undefined {
    return this.#parts.harness.contextWindow;
  }
  get residentServers(): number {
    return this.#parts.harness.residentServers;
  }
  get unconnected(): Readonly<Record<string, string>> {
    return this.#parts.harness.unconnected;
  }
  /** A deploy holds its turn loop: no message is served until it has ended. */
  get held(): boolean {
    return this.#parts.harness.held;
  }
  /** Why its harness cannot run and is about to end, in words of the harness. */
  get problem(): string | undefined {
    return this.#parts.harness.problem;
  }
  get turn(): Readonly<RunningTurn> | undefined {
    return this.#parts.turn.running;
  }
  /** The request that is being deployed. */
  get deploying(): number | undefined {
    return this.#parts.deploy.request;
  }
  /** How what is locked, stored and running differ, in words. */
  get drift(): string | undefined {
    return this.#parts.deploy.drift;
  }
  get diskWarning(): string | undefined {
    return this.#parts.disk.warning;
  }
  get stateSince(): number {
    return this.#parts.shown.stateSince;
  }

  /** Takes over what a generation says. */
  become(generation: number, tree: DeployedTree): void {
    this.#generation = generation;
    this.#tree = tree;
  }

  /** Adds a warning to those of its generation, once. */
  warn(warning: string): void {
    if (!this.#tree.warnings.includes(warning)) this.#tree = { ...this.#tree, warnings: [...this.#tree.warnings, warning] };
  }

  get id(): string {
    return this.record.id;
  }
  get name(): string {
    return this.record.name;
  }
  get role(): AgentRole {
    return this.record.role;
  }
  get model(): string {
    return this.record.modelOverride ?? this.config.model;
  }
  /** Models that it may use: the deployed one and the operator's override. */
  get models(): string[] {
    return [...new Set([this.config.model, this.model])];
  }
  get destroyed(): boolean {
    return this.record.destroyedAt !== undefined;
  }
  /** Nothing of it has been deployed yet: a spawn is trying. */
  get isDraft(): boolean {
    return this.record.generation === 0;
  }

  /** Called whenever its harness has nothing under way. */
  settle(): void {
    for (const heard of this.#settled) heard();
  }
  /** Resolves as soon as `isQuiet` holds after a turn's end, or when `ended` aborts. */
  untilSettled(isQuiet: () => boolean, ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!isQuiet() && !ended.aborted) return;
        this.#settled.delete(look);
        ended.removeEventListener("abort", look);
        resolve();
      };
      this.#settled.add(look);
      ended.addEventListener("abort", look);
      look();
    });
  }

  /** Runs lifecycle steps one after the other; a failed step does not stop the next. */
  serially<T>(step: () => Promise<T>): Promise<T> {
    return this.#lifecycle.run(step);
  }

  /** True while the agent counts as running: its cage is up, coming up, or asleep. */
  get isUp(): boolean {
    return ["starting", "running", "dozing", "asleep"].includes(this.phase.at);
  }

  /** The one state that is shown, by the precedence of `AgentState`. */
  get state(): AgentState {
    if (this.phase.at === "parked" || this.phase.at === "backoff") return "failed";
    if (!this.isUp) return "offline";
    if (this.park?.why === "needs_login") return "needs_login";
    if (this.record.paused) return "paused";
    if (this.park?.why === "rate_limited") return "rate_limited";
    return this.activity;
  }

  /** The words that go with the state. */
  get stateReason(): string | undefined {
    if (this.phase.at === "parked") return this.phase.reason;
    if (this.phase.at === "backoff") return `${this.phase.reason}; starts again soon`;
    if (this.phase.at === "starting") return "starting";
    if (this.phase.at === "stopping") return "stopping";
    return this.park?.reason;
  }

  get resumesAt(): number | undefined {
    return this.phase.at === "backoff" ? this.phase.until : this.park?.until;
  }
}
