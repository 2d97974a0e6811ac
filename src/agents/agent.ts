import { sharedLimitWords } from "../policy/shared-limit.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import type { Running } from "../platforms/port.ts";
import type { AgentRole, AgentState, TokenCounts } from "../wire/agent.ts";
import type { WorkDone, WorkspaceReport } from "../wire/harness.ts";
import type { Fault } from "../wire/turn-ends.ts";
import type { AgentConfig } from "../wire/config.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import { stopWords, type Stop } from "../policy/stop.ts";
import type { AgentRecord } from "../store/agents.ts";
import type { DeployedTree } from "./config-tree.ts";
import type { HarnessSession } from "./harness-session.ts";
import type { ParkReason } from "./backoff.ts";

/**
 * The phase of a cage. `asleep` has no process but counts as running. The revision of an adopted cage is unknown until
 * its harness says hello.
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

/** Why an agent's messages are held back, and until when. */
export interface Park {
  why: ParkReason;
  fault: Fault;
  reason: string;
  until: number;
  timer: NodeJS.Timeout;
}

/** The running turn, as the daemon has metered it. */
export interface RunningTurn {
  turn: number;
  startedAt: number;
  tokens: TokenCounts;
  /** US dollars. Undefined before the first answer, and after an answer from a model without a price. */
  costUsd: number | undefined;
  isUnpriced: boolean;
  /** What it counts in budgets, with a price for each answer. US dollars. */
  budgetUsd: number;
  /** The name of the credential of its answers. */
  credential?: string | undefined;
  /** When its last answer came. Milliseconds. */
  answeredAt?: number | undefined;
}

/** Changed only by `Cages`. */
interface CageState {
  phase: CagePhase;
  /** Times of the crashes that still count. Milliseconds since the epoch. */
  crashTimes: number[];
  /** Problems with mounts on this host, each as a sentence. */
  mountProblems: string[];
}

/** Changed only by `Harnesses`. */
interface HarnessState {
  session: HarnessSession | undefined;
  activity: "idle" | "thinking" | "compacting";
  park: Park | undefined;
  /** The limit that keeps it from its next turn. */
  stop: Stop | undefined;
  /** When a limit of the model's API that another agent has met lets this one go on. Milliseconds since the epoch. */
  heldUntil: number | undefined;
  /** Parks in a row without a successful turn. The delay grows with this number. */
  parksInARow: number;
  contextTokens: number | undefined;
  contextWindow: number | undefined;
  residentServers: number;
  /** Tool servers that have not connected, each with the reason. */
  unconnected: Record<string, string>;
  /** A deploy holds the turn loop. No message is delivered until the deploy has ended. */
  held: boolean;
  /** Why its harness cannot run, as the harness reports it. */
  problem: string | undefined;
  /** The workspace that it waits for, as the harness reports it. */
  workspace: WorkspaceReport | undefined;
  /** What the agent has done in its workspaces, as the harness reports it. Kept when the cage ends. */
  work: readonly WorkDone[];
}

/** Changed only by the deploys. */
interface DeployState {
  /** The request that is being deployed. */
  request: number | undefined;
  /** Describes how the locked, the stored and the running revision differ. */
  drift: string | undefined;
}

/**
 * The state of an agent, grouped by the part of the hive that owns it. Any part reads it through `Agent`. Only the
 * owner changes it, through `stateOf`. `test/rules.test.ts` lists the owners.
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

/** The writable state of an agent. Each owner changes only its own part. */
export function stateOf(agent: Agent): AgentParts {
  return Agent.partsOf(agent);
}

/** One agent of the hive: its durable record and its state. */
export class Agent {
  readonly #parts: AgentParts;
  #generation: number;
  #tree: DeployedTree;
  readonly #quietChecks = new Set<() => void>();
  /** Runs this agent's start, stop, kill and sleep steps in order. */
  readonly #lifecycle = new SerialQueue();

  constructor(record: AgentRecord, tree: DeployedTree, now = Date.now()) {
    this.#parts = {
      record: { current: record },
      cage: { phase: { at: "stopped" }, crashTimes: [], mountProblems: [] },
      harness: {
        session: undefined,
        activity: "idle",
        park: undefined,
        stop: undefined,
        heldUntil: undefined,
        parksInARow: 0,
        contextTokens: undefined,
        contextWindow: undefined,
        residentServers: 0,
        unconnected: {},
        held: false,
        problem: undefined,
        workspace: undefined,
        work: [],
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
  /** The generation that its cage starts with: the one in the record, or the one that a deploy is trying. */
  get generation(): number {
    return this.#generation;
  }
  get config(): AgentConfig {
    return this.#tree.config;
  }
  get instructions(): string {
    return this.#tree.instructions;
  }
  /** Why its deployed config cannot be read. `config` then grants nothing, and the cage does not start. */
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
  /** The limit that stops it: it has ended its turn, and the next one does not begin. */
  get overBudget(): Stop | undefined {
    return this.activity === "idle" ? this.#parts.harness.stop : undefined;
  }
  /** When a limit of the model's API lets it go on that another agent has met. */
  get heldUntil(): number | undefined {
    return this.activity === "idle" ? this.#parts.harness.heldUntil : undefined;
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
  /** A deploy holds its turn loop. No message is delivered until the deploy has ended. */
  get held(): boolean {
    return this.#parts.harness.held;
  }
  /** Why its harness cannot run and is about to end, as the harness reports it. */
  get problem(): string | undefined {
    return this.#parts.harness.problem;
  }
  /** The workspace that it waits for before it takes messages. */
  get workspace(): Readonly<WorkspaceReport> | undefined {
    return this.#parts.harness.workspace;
  }
  /** What it has done in its workspaces, as its harness reports it. Only of repositories that its config names. */
  get work(): readonly WorkDone[] {
    return this.#parts.harness.work.filter(({ repo }) => this.config.repos.some(({ name }) => name === repo));
  }
  get turn(): Readonly<RunningTurn> | undefined {
    return this.#parts.turn.running;
  }
  /** The request that is being deployed. */
  get deploying(): number | undefined {
    return this.#parts.deploy.request;
  }
  /** Describes how the locked, the stored and the running revision differ. */
  get drift(): string | undefined {
    return this.#parts.deploy.drift;
  }
  get diskWarning(): string | undefined {
    return this.#parts.disk.warning;
  }
  get stateSince(): number {
    return this.#parts.shown.stateSince;
  }

  /** Switches to another generation and its config tree. */
  switchTo(generation: number, tree: DeployedTree): void {
    this.#generation = generation;
    this.#tree = tree;
  }

  /** Adds a warning to those of its generation, unless it is already there. */
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
  /** The name of the credential that its config names, or that of the hive's own. */
  get credential(): string {
    return this.config.credential ?? DEFAULT_CREDENTIAL;
  }
  /** The models that it may use: the deployed one and the operator's override. */
  get models(): string[] {
    return [...new Set([this.config.model, this.model])];
  }
  get destroyed(): boolean {
    return this.record.destroyedAt !== undefined;
  }
  /** Nothing of it is deployed yet. A spawn is trying its first generation. */
  get isDraft(): boolean {
    return this.record.generation === 0;
  }

  /** Called when its harness has become idle. */
  notifyQuiet(): void {
    for (const check of this.#quietChecks) check();
  }
  /** Resolves when `isQuiet` is true, checked now and after each turn, or when `ended` aborts. */
  untilQuiet(isQuiet: () => boolean, ended: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isQuiet() && !ended.aborted) return;
        this.#quietChecks.delete(check);
        ended.removeEventListener("abort", check);
        resolve();
      };
      this.#quietChecks.add(check);
      ended.addEventListener("abort", check);
      check();
    });
  }

  /** Runs lifecycle steps one after the other. A failed step does not stop the next one. */
  serially<T>(step: () => Promise<T>): Promise<T> {
    return this.#lifecycle.run(step);
  }

  /** True while the agent counts as running: its cage runs, starts or is asleep. */
  get isUp(): boolean {
    return ["starting", "running", "dozing", "asleep"].includes(this.phase.at);
  }

  /** The state that is shown, by the precedence of `AgentState`. */
  get state(): AgentState {
    if (this.phase.at === "parked" || this.phase.at === "backoff") return "failed";
    if (!this.isUp) return "offline";
    if (this.park?.why === "needs_login") return "needs_login";
    if (this.record.paused) return "paused";
    if (this.overBudget || this.heldUntil !== undefined || this.park?.why === "rate_limited") return "rate_limited";
    return this.activity;
  }

  /** The reason shown with the state. */
  get stateReason(): string | undefined {
    if (this.phase.at === "parked") return this.phase.reason;
    if (this.phase.at === "backoff") return `${this.phase.reason}; starts again soon`;
    if (this.phase.at === "starting") return "starting";
    if (this.phase.at === "stopping") return "stopping";
    if (this.isUp && this.workspace?.failed === false) return `preparing the workspace ${this.workspace.repo}`;
    if (this.overBudget) return stopWords(this.overBudget);
    return this.park?.reason ?? (this.heldUntil === undefined ? undefined : sharedLimitWords(this.credential));
  }

  get resumesAt(): number | undefined {
    if (this.phase.at === "backoff") return this.phase.until;
    return this.overBudget ? this.overBudget.ends : (this.park?.until ?? this.heldUntil);
  }
}
