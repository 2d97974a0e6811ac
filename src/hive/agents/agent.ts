import type { Running } from "../../containers/driver.ts";
import type { AgentRole, AgentState, TokenCounts } from "../../wire/agent.ts";
import type { Fault } from "../../wire/turn-ends.ts";
import type { AgentConfig } from "../../wire/config.ts";
import type { AgentRecord } from "../../store/agents.ts";
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
  costUsd: number | undefined;
}

/** One agent of the hive: its durable record and what is true of it just now. */
export class Agent {
  record: AgentRecord;
  /** The generation that its cage is started with: that of the record, or the one that a deploy tries. */
  generation: number;
  config: AgentConfig;
  instructions: string;
  /** Why its deployed config cannot be read. Its cage does not start then: `config` grants nothing. */
  unreadable: string | undefined;
  phase: CagePhase = { at: "stopped" };
  harness: HarnessSession | undefined;
  activity: "idle" | "thinking" | "compacting" = "idle";
  park: Park | undefined;
  /** Parks in a row without a turn that went well: the delay grows with it. */
  parksInARow = 0;
  crashTimes: number[] = [];
  turn: RunningTurn | undefined;
  contextTokens: number | undefined;
  contextWindow: number | undefined;
  residentServers = 0;
  stateSince = Date.now();
  warnings: string[] = [];
  diskWarning: string | undefined;
  /** Mounts that do not work on this host just now, in words. */
  mountProblems: string[] = [];
  /** Tool servers that have not connected, and why. */
  unconnected: Record<string, string> = {};
  /** A deploy holds its turn loop: no message is served until it is over. */
  held = false;
  /** The request that is being carried out on it. */
  deploying: number | undefined;
  /** What is locked, stored and running differ, in words. */
  drift: string | undefined;
  readonly #settled = new Set<() => void>();
  /** Serialises start, stop, kill, sleep of this one agent. */
  #queue: Promise<unknown> = Promise.resolve();

  constructor(record: AgentRecord, tree: DeployedTree) {
    this.record = record;
    this.generation = record.generation;
    this.config = tree.config;
    this.instructions = tree.instructions;
    this.warnings = tree.warnings;
    this.unreadable = tree.unreadable;
  }

  /** Takes over what a generation says. */
  become(generation: number, tree: DeployedTree): void {
    this.generation = generation;
    this.config = tree.config;
    this.instructions = tree.instructions;
    this.warnings = tree.warnings;
    this.unreadable = tree.unreadable;
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
  get unborn(): boolean {
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
    const result = this.#queue.then(step);
    this.#queue = result.catch(() => {}); // The caller has `result`; the next step runs either way.
    return result;
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
