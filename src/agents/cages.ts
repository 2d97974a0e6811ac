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

/** How long a graceful stop lets the turn go on. Milliseconds. */
const GRACEFUL_STOP_MS = 30_000;
/** How long a harness that was told to go may take once its turn has ended. Milliseconds. */
const EXIT_MS = 5_000;
/** What follows on a crash after which nobody tries again. */
const PARKED = "parked: the operator starts it again";
/** Why a turn ended with the cage that a deploy replaces. */
const DEPLOYED = "a deploy replaced the cage";

/** The cages of a hive, as a driver needs them. */
export interface CageSpecs {
  /** The whole specification of an agent's cage, folders and files made. */
  of(agent: Agent, nonce?: string): Promise<CageSpec>;
  /** Which cage is the agent's: known whatever its config says and its mounts are. */
  place(agent: Agent): Pick<CageSpec, "cageDir" | "hiveId" | "agentId">;
  /** What is wrong with the agent's mounts on this host just now, each in words that name the folder. */
  mountProblems(agent: Agent): Promise<string[]>;
}

/** The sockets of the agents. */
export interface CageSockets {
  /** Opens the agent's three sockets; idempotent. */
  openAgent(agent: Agent): Promise<void>;
  /** Closes and removes them. */
  removeAgent(agent: Agent): Promise<void>;
}

export interface CageDeps {
  driver: Pick<Driver, "prepare" | "start" | "adopt" | "destroy">;
  specs: CageSpecs;
  sockets: CageSockets;
  agents: Pick<Swarm, "byId">;
  broker: Pick<Broker, "hasMail">;
  turns: Pick<Turns, "interrupt">;
  announcements: Pick<Announcements, "announce">;
  bus: Pick<AgentBus, "on" | "emit" | "emitAndWait">;
  crashBackoffMs: number;
  /** Background work has failed. */
  onUnexpected(error: unknown): void;
  now(): number;
}

/** What happened to a cage. `actor` is who wanted it, where it was not the daemon itself. */
export type LifecycleEvent = { actor?: string | undefined } & (
  | { event: "container_crash"; reason: string; next: string }
  | { event: "killed"; reason: string }
  | { event: "started" | "stopped" | "asleep" | "adopted"; reason: string }
);

/**
 * Starts, stops and watches cages through a driver. Each agent's steps run one after the other; different agents'
 * side by side. A cage that ends without being told to has crashed: it comes back with growing pauses, and after
 * five crashes in ten minutes waits for the operator.
 */
export class Cages {
  readonly #deps: CageDeps;
  /** Set while the daemon goes down: nothing is restarted any more. */
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

  /** Announces what happened to a cage. The manager does not hear that the daemon stops all of them. */
  async #tell(agent: Agent, { actor, ...event }: LifecycleEvent): Promise<void> {
    // What an agent's first deploy does to its cage is announced by the deploy.
    if (agent.isDraft) return;
    await this.#deps.announcements.announce(
      { agent: agent.name, ...event },
      { toManager: !this.#closing, ...(actor ? { actor } : {}) },
    );
  }

  /** Starts nothing any more; the cages that run live on. */
  close(): void {
    this.#closing = true;
  }

  /** Starts the agent's cage, or does nothing when it is up. Throws the driver's words when it cannot be built. */
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
      const spec = await this.#specToStart(agent);
      await this.#deps.sockets.openAgent(agent);
      await this.#deps.driver.prepare(spec);
      const running = await this.#deps.driver.start(spec);
      this.#adopted(agent, running, spec.revision);
      await this.#tell(agent, { event: "started", reason, actor });
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      const why = `the cage could not be started: ${words}`;
      stateOf(agent).cage.phase = { at: "parked", reason: why };
      await this.#tell(agent, { event: "container_crash", reason: why, next: PARKED });
      this.#deps.bus.emit("changed", agent);
      throw error instanceof HiveError ? error : new HiveError("unavailable", words, { cause: error });
    }
  }

  /** The specification of a cage that is about to start. No cage starts with a config that cannot be read. */
  async #specToStart(agent: Agent, nonce?: string): Promise<CageSpec> {
    this.#lookAtMounts(agent);
    if (agent.unreadable !== undefined) throw new HiveError("unavailable", agent.unreadable);
    return this.#deps.specs.of(agent, nonce);
  }

  /**
   * Looks at the mounts beside the start: trying them takes throw-away cages, and a cage that starts, or cannot, does not
   * wait for that.
   */
  #lookAtMounts(agent: Agent): void {
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
   * Takes over a cage that outlived the last daemon. False when there is none, or when it was ended because its config
   * cannot be read: it would go on without the restrictions in it.
   */
  adopt(agent: Agent): Promise<boolean> {
    return agent.serially(async () => {
      this.#lookAtMounts(agent);
      const running = await this.#deps.driver.adopt(this.#deps.specs.place(agent));
      if (!running) {
        // Its leases come back by the broker's own grace.
        await this.#deps.turns.interrupt(agent, "the cage ended while the daemon was down").catch(this.#deps.onUnexpected);
        return false;
      }
      if (agent.unreadable !== undefined) {
        await this.#end(agent, running, 0, agent.unreadable);
        return false;
      }
      await this.#deps.sockets.openAgent(agent);
      this.#adopted(agent, running, undefined);
      await this.#tell(agent, { event: "adopted", reason: "it outlived the daemon" });
      return true;
    });
  }

  /** Ends a cage that outlived the last daemon, before anything else is done with its agent. */
  async clear(agent: Agent): Promise<void> {
    const running = await this.#deps.driver.adopt(this.#deps.specs.place(agent));
    if (running) await this.#end(agent, running, 0, "a deploy of the last daemon was not finished");
  }

  #adopted(agent: Agent, running: Running, revision: string | undefined): void {
    stateOf(agent).cage.phase = { at: "running", running, since: this.#deps.now(), revision };
    this.#deps.bus.emit("changed", agent);
    running.exited.then((exit) => this.#onExit(agent, running, exitWords(agent, exit))).catch(this.#deps.onUnexpected);
  }

  /** Stops a cage: lets the turn finish (30 s) when graceful. Resolves when no process of it is left. */
  stop(agent: Agent, options: { graceful: boolean; reason: string; actor?: string }): Promise<void> {
    return agent.serially(async () => {
      this.#clearBackoff(agent);
      if (agent.phase.at === "running" || agent.phase.at === "dozing") {
        const { running, revision } = agent.phase;
        stateOf(agent).cage.phase = { at: "stopping", running, revision };
        this.#deps.bus.emit("changed", agent);
        const told = options.graceful && agent.harness?.push({ push: "shutdown", graceful: true }) === true;
        const why = `the agent was ${options.graceful ? "stopped" : "killed"} (${options.reason})`;
        await this.#end(agent, running, told ? GRACEFUL_STOP_MS : 0, why);
      }
      stateOf(agent).cage.phase = { at: "stopped" };
      await this.#tell(agent, {
        event: options.graceful ? "stopped" : "killed",
        reason: options.reason,
        actor: options.actor,
      });
      this.#deps.bus.emit("changed", agent);
    });
  }

  /** Ends a cage at once for breaking a rule; it stays down until the operator starts it. */
  halt(agent: Agent, reason: string): Promise<void> {
    return agent.serially(async () => {
      if (agent.phase.at !== "running" && agent.phase.at !== "dozing") return;
      const { running, revision } = agent.phase;
      stateOf(agent).cage.phase = { at: "stopping", running, revision };
      this.#deps.bus.emit("changed", agent);
      await this.#end(agent, running, 0, reason);
      stateOf(agent).cage.phase = { at: "parked", reason };
      await this.#tell(agent, { event: "killed", reason });
      this.#deps.bus.emit("changed", agent);
    });
  }

  /** Where the agent is, as a deploy will leave it again. A cage that is in its backoff or parked should run. */
  whereabouts(agent: Agent): Whereabouts {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing") return "asleep";
    return agent.phase.at === "stopped" || agent.phase.at === "stopping" ? "stopped" : "running";
  }

  /**
   * Tries a generation: ends what runs, lets `switched` change what the agent is, starts the cage with a nonce, and
   * waits until it has confirmed. Throws with words when it does not, or ends before: then nothing runs, and `back`
   * restores what was. An end before the confirmation is not a crash.
   */
  trial(agent: Agent, options: Trial): Promise<void> {
    return agent.serially(async () => {
      options.leaving(this.whereabouts(agent));
      await this.#endAny(agent);
      options.switched();
      stateOf(agent).cage.phase = { at: "starting" };
      this.#deps.bus.emit("changed", agent);
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
    });
  }

  /** Brings an agent back to where it was: after a trial that failed, or one that is over. One that was stopped meanwhile stays stopped. */
  back(agent: Agent, was: Whereabouts, options: { keepsRunning: boolean; switched?(): void; reason: string }): Promise<void> {
    return agent.serially(async () => {
      const where = agent.record.desired === "stopped" ? "stopped" : was;
      if (where === "running" && options.keepsRunning && agent.phase.at === "running") return;
      await this.#endAny(agent);
      options.switched?.();
      stateOf(agent).cage.phase = { at: where === "asleep" ? "asleep" : "stopped" };
      if (where === "running") await this.#start(agent, options.reason);
      this.#deps.bus.emit("changed", agent);
      if (where === "asleep" && this.#deps.broker.hasMail(agent.id) && !agent.held) this.onMail(agent);
    });
  }

  /** Ends whatever of a cage there is. A harness that is idle goes by itself when it is told to. */
  async #endAny(agent: Agent): Promise<void> {
    this.#clearBackoff(agent);
    if (!("running" in agent.phase)) return;
    const { running, revision } = agent.phase;
    stateOf(agent).cage.phase = { at: "stopping", running, revision };
    this.#deps.bus.emit("changed", agent);
    const told = agent.harness?.push({ push: "shutdown", graceful: true }) === true;
    await this.#end(agent, running, told ? EXIT_MS : 0, DEPLOYED);
  }

  /** The revision of a cage that was taken over: its harness has said hello with it. */
  #revisionIs(agent: Agent, revision: string): void {
    const { phase } = stateOf(agent).cage;
    if (phase.at === "running") phase.revision = revision;
  }

  /** Forgets the agent's crashes: the operator has it started again. */
  forgive(agent: Agent): void {
    stateOf(agent).cage.crashTimes = [];
  }

  /** Marks an agent as asleep without a process: its cage starts with the next message. */
  leaveAsleep(agent: Agent): void {
    stateOf(agent).cage.phase = { at: "asleep" };
    this.#deps.bus.emit("changed", agent);
  }

  /** An agent that must not start until the operator has mended something: it keeps its sockets, as a stopped one. */
  async leaveFailed(agent: Agent, reason: string): Promise<void> {
    await this.#deps.sockets.openAgent(agent);
    stateOf(agent).cage.phase = { at: "parked", reason };
    await this.#tell(agent, { event: "container_crash", reason, next: PARKED });
    this.#deps.bus.emit("changed", agent);
  }

  /** Marks an agent as failed, for the operator to start. An agent that failed with its own reason keeps it. */
  leaveParked(agent: Agent, reason: string): void {
    if (agent.phase.at !== "parked") stateOf(agent).cage.phase = { at: "parked", reason };
    this.#deps.bus.emit("changed", agent);
  }

  /** A stopped agent keeps its sockets over a restart of the daemon, as it keeps them over a stop. */
  leaveStopped(agent: Agent): Promise<void> {
    return this.#deps.sockets.openAgent(agent);
  }

  /** The broker has told the harness to sleep; its process is about to end by itself. */
  #dozing(agent: Agent): void {
    if (agent.phase.at !== "running") return;
    stateOf(agent).cage.phase = { ...agent.phase, at: "dozing" };
    setTimeout(() => {
      // A harness that was told to sleep and stays is no use: mail would wait for ever.
      if (agent.phase.at === "dozing") agent.phase.running.kill().catch(this.#deps.onUnexpected);
    }, EXIT_MS).unref();
  }

  /** Mail for an agent that nobody waits for: wakes a sleeping cage. */
  onMail(agent: Agent): void {
    if (agent.phase.at === "asleep" || agent.phase.at === "dozing") {
      this.startAside(agent, "woken by a message");
    }
  }

  /** Starts the agent's cage while nobody waits for it. A cage that cannot be built is reported by the start itself. */
  startAside(agent: Agent, reason: string): void {
    this.start(agent, reason).catch((error: unknown) => {
      if (!(error instanceof HiveError)) this.#deps.onUnexpected(error);
    });
  }

  /** Stops every cage, side by side, and starts none again. */
  async stopAll(agents: Iterable<Agent>, reason: string): Promise<void> {
    this.#closing = true;
    // One that cannot be stopped does not keep the others.
    await Promise.all([...agents].map((agent) => this.stop(agent, { graceful: true, reason }).catch(this.#deps.onUnexpected)));
  }

  /** Removes what the host has of an agent's cage: its sockets and the driver's own files. */
  async remove(agent: Agent): Promise<void> {
    await this.#deps.sockets.removeAgent(agent);
    await this.#deps.driver.destroy(this.#deps.specs.place(agent));
  }

  /** Kills what is left, at once. */
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

  /** Leases that cannot be returned now, because the disk is full, are returned when the next harness says hello. */
  #release(agent: Agent, why: string): Promise<void> {
    return this.#deps.bus.emitAndWait("cage_ended", { agent, why });
  }

  #onExit(agent: Agent, running: Running, reason: string): void {
    const phase = agent.phase;
    if (!("running" in phase) || phase.running !== running) return;
    if (phase.at === "stopping") return; // whoever stops it is waiting for this
    if (phase.at === "dozing") {
      stateOf(agent).cage.phase = { at: "asleep" };
      // It held nothing; with it ends the wait for its harness to come back, so that nothing of it ticks on.
      agent.serially(() => this.#release(agent, "the agent fell asleep")).catch(this.#deps.onUnexpected);
      this.#tell(agent, { event: "asleep", reason: "idle" }).catch(this.#deps.onUnexpected);
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
        reason: `${reason}; parked after ${verdict.kind === "park" ? verdict.crashes : times.length} crashes, start it again when mended`,
      };
      await this.#tell(agent, { event: "container_crash", reason, next: PARKED });
    } else {
      const timer = setTimeout(() => this.startAside(agent, "restarted after a crash"), verdict.afterMs);
      stateOf(agent).cage.phase = { at: "backoff", until: now + verdict.afterMs, timer, reason };
      await this.#tell(agent, {
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
