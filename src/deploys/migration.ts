import { readdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import type { Agent } from "../agents/agent.ts";
import type { Swarm } from "../agents/swarm.ts";
import { NIX_TEMPLATE } from "../agents/template.ts";
import { RepoRefusal, type LedgerEntry, type MetaRepo, type Repos } from "../config-repos/types.ts";
import { hivectl } from "../lib/hivectl.ts";
import { SYSTEM_SUFFIX, type Paths } from "../lib/paths.ts";
import type { Platform } from "../platforms/platform.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { Store, Tx } from "../store/store.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import type { MigrationRow, MigrationView } from "../wire/migration.ts";
import { REVIEWED_DIGITS, unreadNix } from "./nix-read.ts";
import { byPath, textOf } from "./tree.ts";

/** What is known of this host: what stands against containers, and what to know of them. Each a sentence. */
export interface HostFindings {
  problems: string[];
  warnings: string[];
}

/** A platform to move to, and its ledger on the hive's own repository. */
export interface MigrationTarget extends Pick<Platform, "build" | "isBuilt" | "complaints" | "evaluate"> {
  ledger: Pick<MetaRepo, "candidate">;
  /** It runs the agents already. */
  isHere: boolean;
}

export interface MigrationDeps {
  /** What runs agents now. */
  driver: string;
  /** Opens the platform to move to. Undefined without the flake that it needs. */
  openTarget(): MigrationTarget | undefined;
  host(): Promise<HostFindings>;
  repos: Pick<Repos, "applied" | "meta">;
  swarm: Pick<Swarm, "byName">;
  store: Store;
  paths: Paths;
  bytesOnDisk(folders: readonly string[]): Promise<number | undefined>;
  /** Rebuilds an agent that this platform has not built, in its turn. Resolves with the request. */
  rebuild(agent: Agent, by: string): Promise<ApprovalRecord | undefined>;
  /** Stores that all Nix code of a request's commit was read. Only inside a write. */
  markNixRead(tx: Tx, request: number): void;
  now(): number;
}

/** How a caller follows a check or a build: it ends with `signal`. */
interface MigrationRun {
  by: string;
  /** The commits whose Nix code the operator has read, by agent: at least their first digits. */
  reviewed?: ReadonlyMap<string, string>;
  signal: AbortSignal;
  tell(progress: { agent: string; words: string }): void;
}

/** Maximum length of what is told of a build at once. Characters. */
const MAX_TOLD_CHARS = 200;

/**
 * The move of agents from bubblewrap into containers of a NixOS host. Their folders and users are the same on both, so
 * what a move needs is the system of each agent. It is built here while the agent runs in bubblewrap, one after the
 * other, and kept by a link next to its generation's folder: a system that is there is not built again, so a build that
 * was interrupted goes on where it was. Nothing that runs is changed, and the deploy ledger stays as it is.
 */
export class Migration {
  readonly #deps: MigrationDeps;
  readonly #ended = new AbortController();
  #running: Promise<unknown> | undefined;
  /** Checks that run. Several may. */
  readonly #checking = new Set<Promise<unknown>>();
  #opened: { target: MigrationTarget | undefined } | undefined;

  constructor(deps: MigrationDeps) {
    this.#deps = deps;
  }

  /** Opened when it is asked for: most hives never move. */
  get #target(): MigrationTarget | undefined {
    this.#opened ??= { target: this.#deps.openTarget() };
    return this.#opened.target;
  }

  /** Ends a build and the checks. Resolves when their programs have ended. */
  async stop(): Promise<void> {
    this.#ended.abort(new Error("the daemon was stopped before the build was done"));
    // Their callers have the failures.
    await Promise.allSettled([this.#running, ...this.#checking]);
  }

  /** What stands against the move of these agents. Locks and evaluates the config of each that has no system yet. */
  async check(agents: readonly Agent[], run: MigrationRun): Promise<MigrationView> {
    await this.#storeReviewed(run);
    const rows = this.#rows(agents, this.#bounded(run));
    this.#checking.add(rows);
    try {
      const [host, all] = await Promise.all([this.#deps.host(), rows]);
      return this.#view(host, all);
    } finally {
      this.#checking.delete(rows);
    }
  }

  /** Ends with the daemon too. */
  #bounded(run: MigrationRun): MigrationRun {
    return { ...run, signal: AbortSignal.any([run.signal, this.#ended.signal]) };
  }

  /**
   * Builds the system of each agent that has none and that nothing stands against. One that cannot be built keeps none
   * of the others back. Throws `conflict` while another build runs, and where the host itself is not ready.
   */
  async build(agents: readonly Agent[], run: MigrationRun): Promise<MigrationView> {
    const host = await this.#deps.host();
    if (host.problems.length > 0)
      throw new HiveError("conflict", `this host cannot run containers yet: ${host.problems.join("; ")}`);
    return this.#alone(async () => {
      await this.#storeReviewed(run);
      return this.#view(host, await this.#buildAll(agents, run));
    });
  }

  /**
   * Removes the systems that were built for these agents, destroyed ones too, which are not in the view. Nothing is
   * evaluated, and nothing stands against it. Throws `conflict` where containers boot from them.
   */
  async undo(agents: readonly Agent[], run: MigrationRun): Promise<MigrationView> {
    if (this.#target?.isHere === true)
      throw new HiveError("conflict", "the agents of this hive boot from their systems: move the hive back first");
    return this.#alone(async () => {
      for (const agent of agents) {
        const removed = await removeSystems(this.#generation(agent));
        if (removed > 0) await this.#audit("system_removed", agent, run.by, { systems: removed });
      }
      const rows: MigrationRow[] = [];
      for (const agent of agents) if (!agent.destroyed) rows.push(await this.#row(agent, []));
      return this.#view({ problems: [], warnings: [] }, rows);
    });
  }

  /** Stores which commits the operator has read. Throws `conflict`, and stores none, if an agent runs another commit. */
  async #storeReviewed({ by, reviewed = new Map<string, string>() }: MigrationRun): Promise<void> {
    const { store, swarm, markNixRead, now } = this.#deps;
    if (reviewed.size === 0) return;
    await store.write((tx) => {
      for (const [name, digits] of reviewed) {
        const { deployedSha, deployedRequest } = swarm.byName(name).record;
        if (deployedSha === undefined || deployedRequest === undefined || !deployedSha.startsWith(digits))
          throw new HiveError(
            "conflict",
            `${name} runs ${deployedSha?.slice(0, REVIEWED_DIGITS) ?? "nothing"}, not ${digits}: read its config again (${hivectl(`config ${name}`)})`,
          );
        if (store.approvals.isNixRead(name, deployedSha)) continue;
        markNixRead(tx, deployedRequest);
        const detail = { sha: deployedSha };
        store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "nix_reviewed", agent: name, detail });
      }
    });
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running) throw new HiveError("conflict", "systems are being built for the move already: wait until that has ended");
    const done = work();
    this.#running = done;
    try {
      return await done;
    } finally {
      this.#running = undefined;
    }
  }

  #view({ problems, warnings }: HostFindings, agents: MigrationRow[]): MigrationView {
    return { driver: this.#deps.driver, problems, warnings, agents };
  }

  async #rows(agents: readonly Agent[], run: MigrationRun): Promise<MigrationRow[]> {
    const lock = this.#locks(run);
    const rows: MigrationRow[] = [];
    for (const agent of agents) {
      run.signal.throwIfAborted();
      rows.push(await this.#row(agent, await this.#problems(agent, run, lock)));
    }
    return rows;
  }

  async #buildAll(agents: readonly Agent[], given: MigrationRun): Promise<MigrationRow[]> {
    const run = this.#bounded(given);
    const { signal } = run;
    const lock = this.#locks(run);
    const rows: MigrationRow[] = [];
    for (const agent of agents) {
      signal.throwIfAborted();
      const problems = await this.#problems(agent, run, lock);
      if (problems.length === 0 && !this.#isBuilt(agent)) {
        try {
          await this.#buildOne(agent, run, lock);
        } catch (error) {
          signal.throwIfAborted();
          problems.push(wordsOf(error));
        }
      }
      rows.push(await this.#row(agent, problems));
    }
    return rows;
  }

  async #buildOne(agent: Agent, { by, signal, tell }: MigrationRun, lock: Locks): Promise<void> {
    const { rebuild, paths } = this.#deps;
    const target = this.#target;
    if (!target) return;
    tell({ agent: agent.name, words: "building" });
    if (target.isHere) {
      const row = await rebuild(agent, by);
      if (row && row.state !== "deployed") throw new Error(row.error ?? `request ${row.id} is ${row.state}`);
      return;
    }
    const { generation } = agent.record;
    const folder = this.#generation(agent);
    const build = { agent: agent.name, request: generation, folder, candidate: await lock(agent) };
    await target.build(build, { signal, log: (text) => tell({ agent: agent.name, words: lastLine(text) }) });
    if (agent.record.generation !== generation) {
      await rm(paths.agent(agent.id).system(generation), { force: true });
      throw new Error("another config was deployed while its system was built: build it again");
    }
    await this.#audit("system_built", agent, by, { generation });
  }

  /** What stands against the move of an agent. Empty if its system is there. */
  async #problems(agent: Agent, { by, signal, tell }: MigrationRun, lock: Locks): Promise<string[]> {
    const { repos, store } = this.#deps;
    const target = this.#target;
    const { deployedSha } = agent.record;
    if (deployedSha === undefined) return [`it was never deployed: ${hivectl(`rebuild ${agent.name}`)}`];
    if (agent.deploying !== undefined)
      return [`request ${agent.deploying} is being deployed: check it again when that has ended`];
    if (this.#isBuilt(agent)) return [];
    try {
      const all = await repos.applied(agent.name).files(deployedSha);
      const files = byPath(all);
      const missing = Object.keys(NIX_TEMPLATE).filter((path) => !files.has(path));
      if (missing.length > 0)
        return [
          `its config has no ${missing.join(" and no ")}: propose it with ${missing.length === 1 ? "that file" : "those files"} (docs/nixos.md has their text)`,
        ];
      const unread = unreadNix(store, { name: agent.name, sha: deployedSha, files: all, isBuilt: false });
      if (unread !== undefined) return [unread];
      // Without the flake nothing is known of its system: it is not ready.
      if (!target) return ["its system could not be checked, because the flake from which it would be built is not known"];
      const complaints = target.complaints?.(agent.config) ?? [];
      if (complaints.length > 0 || !target.evaluate) return complaints;
      tell({ agent: agent.name, words: "evaluating" });
      const config = files.get(CONFIG_FILE);
      const agentJson = config === undefined ? "{}" : (textOf(config) ?? "");
      await target.evaluate({ agent: agent.name, by, agentJson, lock: () => lock(agent), signal });
      return [];
    } catch (error) {
      signal.throwIfAborted();
      // A repository that cannot be read stands against its own agent, and against no other.
      return [wordsOf(error)];
    }
  }

  async #row(agent: Agent, problems: string[]): Promise<MigrationRow> {
    const { paths, bytesOnDisk } = this.#deps;
    const { state, work, claude } = paths.agent(agent.id);
    const bytes = await bytesOnDisk([state, work, claude]);
    const there = this.#target?.isHere === true ? "moved" : "built";
    return {
      name: agent.name,
      state: problems.length > 0 ? "blocked" : this.#isBuilt(agent) ? there : "ready",
      generation: agent.record.generation,
      ...(bytes === undefined ? {} : { bytes }),
      repos: agent.config.repos.map(({ name }) => name),
      problems,
    };
  }

  /**
   * Makes the commits that would lock agents, each on top of the one before, so that each locks one more agent and not
   * all of them again. No ref names them.
   */
  #locks({ by, signal }: MigrationRun): Locks {
    const { repos, now } = this.#deps;
    const target = this.#target;
    let last: Sha | undefined;
    return async ({ name }) => {
      const head = await repos.meta.head();
      const entry: LedgerEntry | undefined = (await repos.meta.ledger(head))[name];
      if (!target || !entry) throw new RepoRefusal(`the deploy ledger does not name it: ${hivectl(`rebuild ${name}`)}`);
      const facts = { message: `try ${name} in a container`, author: by, at: now() };
      last = await target.ledger.candidate(last ?? head, name, entry, facts, signal);
      return last;
    };
  }

  #generation({ id, record }: Agent): string {
    return this.#deps.paths.agent(id).generation(record.generation);
  }

  #isBuilt(agent: Agent): boolean {
    return this.#target?.isBuilt(this.#generation(agent)) === true;
  }

  async #audit(kind: string, agent: Agent, actor: string, detail: object): Promise<void> {
    const { store, now } = this.#deps;
    await store.write(() => store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, agent: agent.name, detail }));
  }
}

type Locks = (agent: Agent) => Promise<Sha>;

/** Removes the links to systems next to a generation. Resolves with their number. */
async function removeSystems(generation: string): Promise<number> {
  const folder = dirname(generation);
  const links = (await namesIn(folder)).filter((name) => name.endsWith(SYSTEM_SUFFIX));
  for (const name of links) await rm(join(folder, name), { force: true });
  return links.length;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    // An agent whose folder is gone has no systems.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function lastLine(text: string): string {
  return (text.trimEnd().split("\n").at(-1) ?? "").slice(0, MAX_TOLD_CHARS);
}
