import type { CageSpec, Driver, Running } from "../platforms/port.ts";
import { HiveError } from "../wire/error.ts";
import { afterCrash } from "./backoff.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { Broker } from "../messages/broker.ts";
import { stateOf, type Agent } from "./agent.ts";
import type { AgentBus } from "./events.ts";
import type { Swarm } from "./swarm.ts";
import { confirmation, exitWords, type Trial, type Whereabouts } from "./trial.ts";
import type { Turns } from "./turns.ts";

/** How long a graceful stop waits for the turn to end. Milliseconds. */
const GRACEFUL_STOP_MS = 30_000;
/** How long a harness may take to exit after it was asked to and its turn has ended. Milliseconds. */
const EXIT_MS = 5_000;
/** What follows a crash that is not retried. */
const PARKED = "parked: the operator starts it again";
/** The reason for a turn that ended because a deploy replaced its cage. */
const DEPLOYED = "a deploy replaced the cage";

/** The cages of a hive, as a driver needs them. */
export interface CageSpecs {
  /** The whole specification of an agent's cage. Creates its folders and files. */
  of(agent: Agent, nonce?: string): Promise<CageSpec>;
  /** Identifies the agent's cage. Works whatever its config and its mounts are. */
  place(agent: Agent): Pick<CageSpec, "cageDir" | "hiveId" | "agentId">;
  /** Problems with the agent's mounts on this host now. Each is a sentence that names the folder. */
  mountProblems(agent: Agent): Promise<string[]>;
}

/** The sockets of the agents. */
export interface CageSockets {
  /** Opens the agent's four sockets. Idempotent. */
  openAgent(agent: Agent): Promise<void>;
  /** Closes and removes them. */
  removeAgent(agent: Agent): Promise<void>;
}

export interface CageDeps {
  driver: Pick<Driver, "prepare" | "start" | "adopt" | "destroy">;
  repositories: {
    /** Runs the start of a cage, which binds the objects of the agent's repositories, while none of them are removed. */
    duringStart<T>(agent: Agent, start: () => Promise<T>): Promise<T>;
  };
  specs: CageSpecs;
  sockets: CageSockets;
  agents: Pick<Swarm, "byId">;
  broker: Pick<Broker, "hasMail">;
  turns: Pick<Turns, "interrupt">;
  announcements: Pick<Announcements, "announce">;
  bus: Pick<AgentBus, "on" | "emit" | "emitAndWait">;
  crashBackoffMs: number;
  /** Reports that background work has failed. */
  onUnexpected(error: unknown): void;
  now(): number;
}

/** What happened to a cage. `actor` is absent if the daemon itself caused it. */
export type LifecycleEvent = { actor?: string | undefined } & (
  | { event: "container_crash"; reason: string; next: string }
  | { event: "killed"; reason: string }
  | { event: "started" | "stopped" | "asleep" | "adopted"; reason: string }
);

/**
 * Starts, stops and watches cages through a driver. The steps of one agent run in order, those of different agents in
 * parallel. A cage that ends without a request has crashed. It restarts with growing delays. After five crashes in ten
 * minutes it waits for the operator.
 */
export class Cages {
  readonly #deps: CageDeps;
  /** Set while the daemon stops. No cage is started or restarted any more. */
  #closing = false;

  constructor(deps: CageDeps) {
    this.#deps = deps;
    deps.bus.on("mail_waiting", (id) => {
      const agent = deps.agents.byId(id);
      if (agent) this.onMail(agent);
    });
    deps.bus.on("harness_connected", ({ agent, session }) => this.#revisionIs(agent, session.revision));
    deps.bus.on("harness_dozing", (agent) => this.#dozing(agent));
  }

  /** Announces what happened to a cage. The manager is not notified when the daemon stops all cages. */
  async #announce(agent: Agent, { actor, ...event }: LifecycleEvent): Promise<void> {
    // The deploy announces what happens to a draft's cage.
    if (agent.isDraft) return;
    await this.#deps.announcements.announce(
      { agent: agent.name, ...event },
      { toManager: !this.#closing, ...(actor ? { actor } : {}) },
    );
  }

  /** Starts no cage any more. The cages that run are kept. */
  close(): void {
    this.#closing = true;
  }

  /** Starts the agent's cage, or does nothing if it already runs. Throws the driver's error if it cannot be built. */
  start(agent: Agent, reason: string, actor?: string): Promise<void> {
    return agent.serially(() => this.#start(agent, reason, actor));
  }

  async #start(agent: Agent, reason: string, actor?: string): Promise<void> {
    if (this.#closing || agent.destroyed) return;
    if (agent.phase.at === "running" || agent.phase.at === "starting") return;
    if (agent.phase.at === "dozing") await this.#end(agent, agent.phase.running, 0, "the agent fell asleep");
    this.#clearBackoff(agent);
    stateOf(agent).cage.phase = { at: "starting" };
    this.#deps.bus.emit("changed", agent);
    try {
      await this.#deps.repositories.duringStart(agent, async () => {
        const spec = await this.#specToStart(agent);
        await this.#deps.sockets.openAgent(agent);
        await this.#deps.driver.prepare(spec);
        const running = await this.#deps.driver.start(spec);
        this.#adopted(agent, running, spec.revision);
      });
      await this.#announce(agent, { event: "started", reason, actor });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const why = `the cage could not be started: ${message}`;
      stateOf(agent).cage.phase = { at: "parked", reason: why };
      await this.#announce(agent, { event: "container_crash", reason: why, next: PARKED });
      this.#deps.bus.emit("changed", agent);
      throw error instanceof HiveError ? error : new HiveError("unavailable", message, { cause: error });
    }
  }

  /** The specification of a cage that is about to start. No cage starts with a config that cannot be read. */
  async #specToStart(agent: Agent, nonce?: string): Promise<CageSpec> {
    this.#checkMounts(agent);
    if (agent.unreadable !== undefined) throw new HiveError("unavailable", agent.unreadable);
    return this.#deps.specs.of(agent, nonce);
  }

  /** Checks the mounts in the background. The check runs sandboxes, and a start must not wait for it. */
  #checkMounts(agent: Agent): void {
    const { generation } = agent;
    this.#deps.specs
      .mountProblems(agent)
      .then((problems) => {
        if (agent.generation !== generation || problems.join() === agent.mountProblems.join()) return;
        stateOf(agent).cage.mountProblems = problems;
        this.#deps.bus.emit("changed", agent);
      })
      .catch(this.#deps.onUnexpected);
  }

  /**
   * Adopts a cage that survived the last daemon. Resolves with false if there is none. Also resolves with false if the
   * cage was ended because its config cannot be read: it would continue without the restrictions of that config.
   */
  adopt(agent: Agent): Promise<boolean> {
    return agent.serially(async () => {
      this.#checkMounts(agent);
      const running = await this.#deps.driver.adopt(this.#deps.specs.place(agent));
      if (!running) {
        // The broker returns its leases after its own grace period.
        await this.#deps.turns.interrupt(agent, "the cage ended while the daemon was down").catch(this.#deps.onUnexpected);
        return false;
      }
      if (agent.unreadable !== undefined) {
        await this.#end(agent, running, 0, agent.unreadable);
        return false;
      }
      await this.#deps.sockets.openAgent(agent);
      this.#adopted(agent, running, undefined);
      await this.#announce(agent, { event: "adopted", reason: "it survived a restart of the daemon" });
      return true;
    });
  }

  /** Ends a cage that survived the last daemon. Called before any other step for its agent. */
  async clear(agent: Agent): Promise<void> {
    const running = await this.#deps.driver.adopt(this.#deps.specs.place(agent));
    if (running) await this.#end(agent, running, 0, "a deploy of the last daemon was not finished");
  }

  #adopted(agent: Agent, running: Running, revision: string | undefined): void {
    stateOf(agent).cage.phase = { at: "running", running, since: this.#deps.now(), revision };
    this.#deps.bus.emit("changed", agent);
    running.exited.then((exit) => this.#onExit(agent, running, exitWords(agent, exit))).catch(this.#deps.onUnexpected);
  }

  /** Stops a cage. A graceful stop gives the turn 30 s to finish. Resolves when no process of the cage is left. */
  stop(agent: Agent, options: { graceful: boolean; reason: string; actor?: string }): Promise<void> {
    return agent.serially(async () => {
      const why = `the agent was ${options.graceful ? "stopped" : "killed"} (${options.reason})`;
      await this.#endOwn(agent, options.graceful ? GRACEFUL_STOP_MS : 0, why);
      stateOf(agent).cage.phase = { at: "stopped" };
      await this.#announce(agent, {
        event: options.graceful ? "stopped" : "killed",
        reason: options.reason,
        actor: options.actor,
      });
      this.#deps.bus.emit("changed", agent);
    });
  }

  /** Ends a cage at once because it broke a rule. It stays stopped until the operator starts it. */
  halt(agent: Agent, reason: string): Promise<void> {
    return agent.serially(async () => {
      if (agent.phase.at !== "running" && agent.phase.at !== "dozing") return;
      await this.#endOwn(agent, 0, reason);
      stateOf(agent).cage.phase = { at: "parked", reason };
      await this.#announce(agent, { event: "killed", reason });
      this.#deps.bus.emit("changed", agent);
    });
  }

  /** The state to which a deploy returns the agent. A cage in its backoff or parked counts as running. */
  whereabouts(agent: Agent): Whereabouts {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing") return "asleep";
    return agent.phase.at === "stopped" || agent.phase.at === "stopping" ? "stopped" : "running";
  }

  /**
   * Tries a generation. Ends the cage that runs, calls `switched`, starts a new cage with a nonce, and waits for its
   * confirmation. Throws with the reason if the confirmation does not come or the cage ends first. No cage runs then,
   * and `restore` restores the earlier state. An end before the confirmation does not count as a crash.
   */
  trial(agent: Agent, options: Trial): Promise<void> {
    return agent.serially(async () => {
      options.leaving(this.whereabouts(agent));
      await this.#endOwn(agent, EXIT_MS, DEPLOYED);
      options.switched();
      stateOf(agent).cage.phase = { at: "starting" };
      this.#deps.bus.emit("changed", agent);
      await this.#deps.repositories.duringStart(agent, () => this.#try(agent, options));
    });
  }

  async #try(agent: Agent, options: Trial): Promise<void> {
    let running: Running | undefined;
    try {
      const spec = await this.#specToStart(agent, options.nonce);
      await this.#deps.sockets.openAgent(agent);
      await this.#deps.driver.prepare(spec);
      running = await this.#deps.driver.start(spec);
      await confirmation(agent, options, running);
      stateOf(agent).cage.crashTimes = [];
      this.#adopted(agent, running, spec.revision);
    } catch (error) {
      await running?.kill();
      await this.#release(agent, DEPLOYED);
      stateOf(agent).cage.phase = { at: "stopped" };
      throw error;
    }
  }

  /** Returns an agent to its earlier state after a trial. An agent that was stopped meanwhile stays stopped. */
  restore(agent: Agent, was: Whereabouts, options: { keepsRunning: boolean; switched?(): void; reason: string }): Promise<void> {
    return agent.serially(async () => {
      const where = agent.record.desired === "stopped" ? "stopped" : was;
      if (where === "running" && options.keepsRunning && agent.phase.at === "running") return;
      await this.#endOwn(agent, EXIT_MS, DEPLOYED);
      options.switched?.();
      stateOf(agent).cage.phase = { at: where === "asleep" ? "asleep" : "stopped" };
      if (where === "running") await this.#start(agent, options.reason);
      this.#deps.bus.emit("changed", agent);
      if (where === "asleep" && this.#deps.broker.hasMail(agent.id) && !agent.held) this.onMail(agent);
    });
  }

  /**
   * Runs `act` while the agents have no process, then lets them go on as before. A turn that runs may end within
   * `graceMs`; then it is ended, and its message returns. Messages and all steps of these agents wait meanwhile.
   */
  async without<T>(agents: readonly Agent[], options: { graceMs: number; reason: string }, act: () => Promise<T>): Promise<T> {
    const done = Promise.withResolvers<void>();
    const stopped: Promise<void>[] = [];
    const over: Promise<void>[] = [];
    for (const agent of agents) {
      const reached = Promise.withResolvers<void>();
      stopped.push(reached.promise);
      const step = agent.serially(() => this.#pause(agent, options, reached.resolve, done.promise));
      step.catch(reached.reject);
      over.push(step);
    }
    try {
      await Promise.all(stopped);
      return await act();
    } finally {
      done.resolve();
      await Promise.allSettled(over);
    }
  }

  async #pause(
    agent: Agent,
    { graceMs, reason }: { graceMs: number; reason: string },
    reached: () => void,
    done: Promise<void>,
  ): Promise<void> {
    const { phase } = agent;
    const isUp = "running" in phase || phase.at === "backoff";
    await this.#endOwn(agent, graceMs, reason);
    // A message that comes now starts it afterwards, as it does from sleep.
    if (isUp) this.leaveAsleep(agent);
    reached();
    await done;
    if (isUp && agent.record.desired !== "stopped") await this.#start(agent, reason);
  }

  /** Ends the agent's cage, if it has one. Its harness is asked to exit first, and may take `graceMs`; 0: no time. */
  async #endOwn(agent: Agent, graceMs: number, why: string): Promise<void> {
    this.#clearBackoff(agent);
    if (!("running" in agent.phase)) return;
    const { running, revision } = agent.phase;
    stateOf(agent).cage.phase = { at: "stopping", running, revision };
    this.#deps.bus.emit("changed", agent);
    const isNotified = graceMs > 0 && agent.harness?.push({ push: "shutdown", graceful: true }) === true;
    await this.#end(agent, running, isNotified ? graceMs : 0, why);
  }

  /** Sets the revision of an adopted cage from its harness's hello. */
  #revisionIs(agent: Agent, revision: string): void {
    const { phase } = stateOf(agent).cage;
    if (phase.at === "running") phase.revision = revision;
  }

  /** Clears the agent's crashes, because the operator has started it. */
  clearCrashes(agent: Agent): void {
    stateOf(agent).cage.crashTimes = [];
  }

  /** Marks an agent as asleep without a process. Its cage starts with the next message. */
  leaveAsleep(agent: Agent): void {
    stateOf(agent).cage.phase = { at: "asleep" };
    this.#deps.bus.emit("changed", agent);
  }

  /** Marks an agent as failed until the operator has fixed the cause. Like a stopped agent it keeps its sockets. */
  async leaveFailed(agent: Agent, reason: string): Promise<void> {
    await this.#deps.sockets.openAgent(agent);
    stateOf(agent).cage.phase = { at: "parked", reason };
    await this.#announce(agent, { event: "container_crash", reason, next: PARKED });
    this.#deps.bus.emit("changed", agent);
  }

  /** Marks an agent as failed until the operator starts it. An agent that already failed keeps its own reason. */
  leaveParked(agent: Agent, reason: string): void {
    if (agent.phase.at !== "parked") stateOf(agent).cage.phase = { at: "parked", reason };
    this.#deps.bus.emit("changed", agent);
  }

  /** Opens the sockets of a stopped agent. It has them after a stop, so it has them after a restart of the daemon. */
  leaveStopped(agent: Agent): Promise<void> {
    return this.#deps.sockets.openAgent(agent);
  }

  /** The broker has asked the harness to sleep. Its process is about to exit. */
  #dozing(agent: Agent): void {
    if (agent.phase.at !== "running") return;
    stateOf(agent).cage.phase = { ...agent.phase, at: "dozing" };
    setTimeout(() => {
      // A harness that does not exit would leave mail waiting forever.
      if (agent.phase.at === "dozing") agent.phase.running.kill().catch(this.#deps.onUnexpected);
    }, EXIT_MS).unref();
  }

  /** Wakes a sleeping cage for mail that no waiter takes. */
  onMail(agent: Agent): void {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing") {
      this.startInBackground(agent, "woken by a message");
    }
  }

  /** Starts the agent's cage without a caller that waits. `start` itself reports a cage that cannot be built. */
  startInBackground(agent: Agent, reason: string): void {
    this.start(agent, reason).catch((error: unknown) => {
      if (!(error instanceof HiveError)) this.#deps.onUnexpected(error);
    });
  }

  /** Stops every cage in parallel. Starts none afterwards. */
  async stopAll(agents: Iterable<Agent>, reason: string): Promise<void> {
    this.#closing = true;
    // A cage that cannot be stopped does not hold up the others.
    await Promise.all([...agents].map((agent) => this.stop(agent, { graceful: true, reason }).catch(this.#deps.onUnexpected)));
  }

  /** Removes the agent's sockets and the driver's own files. */
  async remove(agent: Agent): Promise<void> {
    await this.#deps.sockets.removeAgent(agent);
    await this.#deps.driver.destroy(this.#deps.specs.place(agent));
  }

  /** Kills the remaining cages at once. */
  async killAll(agents: Iterable<Agent>): Promise<void> {
    this.#closing = true;
    await Promise.all(
      [...agents].map(async (agent) => {
        if ("running" in agent.phase) await agent.phase.running.kill();
      }),
    );
  }

  async #end(agent: Agent, running: Running, graceMs: number, why: string): Promise<void> {
    if (graceMs > 0) {
      let timer: NodeJS.Timeout | undefined;
      await Promise.race([running.exited, new Promise((resolve) => (timer = setTimeout(resolve, graceMs)))]);
      clearTimeout(timer);
    }
    await running.kill();
    await this.#release(agent, why);
  }

  /** Returns the leases. If the disk is full, they are returned at the next harness's hello instead. */
  #release(agent: Agent, why: string): Promise<void> {
    return this.#deps.bus.emitAndWait("cage_ended", { agent, why });
  }

  #onExit(agent: Agent, running: Running, reason: string): void {
    const phase = agent.phase;
    if (!("running" in phase) || phase.running !== running) return;
    if (phase.at === "stopping") return; // `#end` waits for this exit
    if (phase.at === "dozing") {
      stateOf(agent).cage.phase = { at: "asleep" };
      // It held no lease. The release also cancels the reconnect timer.
      agent.serially(() => this.#release(agent, "the agent fell asleep")).catch(this.#deps.onUnexpected);
      this.#announce(agent, { event: "asleep", reason: "idle" }).catch(this.#deps.onUnexpected);
      this.#deps.bus.emit("changed", agent);
      if (this.#deps.broker.hasMail(agent.id)) this.onMail(agent);
      return;
    }
    agent
      .serially(() => this.#crashed(agent, running, phase.at === "running" ? phase.since : 0, reason))
      .catch(this.#deps.onUnexpected);
  }

  async #crashed(agent: Agent, running: Running, upSince: number, reason: string): Promise<void> {
    if (!("running" in agent.phase) || agent.phase.running !== running) return;
    await running.kill();
    await this.#release(agent, `the cage crashed (${reason})`);
    const now = this.#deps.now();
    const { times, verdict } = afterCrash(agent.crashTimes, now, upSince, this.#deps.crashBackoffMs);
    stateOf(agent).cage.crashTimes = times;
    if (verdict.kind === "park" || this.#closing) {
      stateOf(agent).cage.phase = {
        at: "parked",
        reason: `${reason}; parked after ${verdict.kind === "park" ? verdict.crashes : times.length} crashes, fix the cause, then start it again`,
      };
      await this.#announce(agent, { event: "container_crash", reason, next: PARKED });
    } else {
      const timer = setTimeout(() => this.startInBackground(agent, "restarted after a crash"), verdict.afterMs);
      stateOf(agent).cage.phase = { at: "backoff", until: now + verdict.afterMs, timer, reason };
      await this.#announce(agent, {
        event: "container_crash",
        reason,
        next: `starts again in ${Math.round(verdict.afterMs / 1000)} s`,
      });
    }
    this.#deps.bus.emit("changed", agent);
  }

  #clearBackoff(agent: Agent): void {
    if (agent.phase.at === "backoff") clearTimeout(agent.phase.timer);
  }
}
