import { statfsSync } from "node:fs";
import { join } from "node:path";
import { objectFiles, removeObjects } from "../../os/git/remove-objects.ts";
import { removeRef } from "../../os/git/refs.ts";
import type { BranchRecord } from "../../store/repositories.ts";
import type { Sha } from "../../wire/approval.ts";
import { HiveError } from "../../wire/error.ts";
import type { Output } from "../../wire/operations.ts";
import type { MergeQueue } from "../queue/merge-queue.ts";
import type { Repositories } from "../repositories.ts";
import type { Branches } from "../transport/branches.ts";
import { accessOf, type WorkContext } from "../work-context.ts";
import { amountOf, existing, packReachable, unreached, type Amount } from "./pack.ts";
import { readRoots, type Roots } from "./roots.ts";
import { neededBy } from "./workspaces.ts";

/** How long a running turn may take before it is ended, as for a deploy. Milliseconds. */
const TURN_MS = 10 * 60_000;
/** Bytes of disk that stay free beside the new pack: the daemon writes meanwhile. */
const SPARE_BYTES = 64 * 1024 * 1024;
const REASON = "unneeded objects of its repository are removed";

type Result = Output<"repo_gc">;

export interface CollectorDeps {
  context: WorkContext;
  repositories: Repositories;
  queue: MergeQueue;
  branches: Pick<Branches, "removeOld">;
}

/** What stays of a repository, and what goes. */
interface Kept extends Pick<Roots, "oldPins"> {
  /** Objects of the repository that stay, with all that they reach. */
  roots: Sha[];
  /** Old branches whose commits go. */
  lost: BranchRecord[];
}

/**
 * Removes the objects of a repository that neither the hive nor a workspace needs. What is needed goes into a new pack;
 * once that is on stable storage, all older files go. A daemon that is killed at any step leaves every needed object in
 * one place or in two.
 */
export class Collector {
  readonly #deps: CollectorDeps;

  constructor(deps: CollectorDeps) {
    this.#deps = deps;
  }

  /** What a run would remove, as far as it can be said while agents work. Stops nothing. */
  async estimate(name: string): Promise<Result> {
    const { repositories, context } = this.#deps;
    repositories.get(name);
    const kept = await this.#kept(name, () => {});
    const before = await this.#amount(name);
    const after = await amountOf(context.git, name, kept.roots);
    return { before, after, branches: this.#namesOf(kept.lost), stopped: [] };
  }

  /** Removes the objects. Resolves when the agents that were stopped run again. */
  async run(name: string, { now, by }: { now: boolean; by: string }): Promise<Result> {
    const { context, repositories, queue } = this.#deps;
    repositories.get(name);
    repositories.refuseWhileCollecting("begin again", name);
    const tell = (words: string): void => repositories.collecting(name, words);
    const agents = context.agents.all().filter((agent) => accessOf(agent, name) !== undefined);
    const stopped = agents.filter(({ isUp, phase }) => isUp && phase.at !== "asleep").map((agent) => agent.name);
    tell(now ? "stopping agents and merges" : "waiting for running turns and merges");
    try {
      const pause = { graceMs: now ? 0 : TURN_MS, reason: REASON };
      const result = await context.cages.without(agents, pause, () =>
        queue.during(name, { now }, () => repositories.uses.alone(name, () => this.#collect(name, tell, by))),
      );
      return { ...result, stopped };
    } catch (error) {
      if (context.disk.checkAfter(error))
        throw new HiveError("disk_full", `the disk is full: nothing that ${name} needs was removed. Make room and try again`, {
          cause: error,
        });
      throw error;
    } finally {
      repositories.collecting(name, undefined);
    }
  }

  async #collect(name: string, tell: (words: string) => void, by: string): Promise<Omit<Result, "stopped">> {
    const { context, repositories, branches } = this.#deps;
    const { git, failpoint } = context;
    this.#checkUnused(name);
    const objects = join(git.folder(name), "objects");
    const before = await this.#amount(name);
    const kept = await this.#kept(name, tell);
    await failpoint("gc_roots");
    tell("measuring");
    checkRoom(objects, (await amountOf(git, name, kept.roots)).bytes);
    await git.withScratch(name, {}, async (scratch) => {
      const old = await objectFiles(objects);
      const pack = await packReachable(scratch, kept.roots, tell);
      await failpoint("gc_packed");
      // A ref must not outlive its objects.
      await branches.removeOld(name, kept.lost, by);
      for (const ref of kept.oldPins) await removeRef(git.folder(name), ref);
      await failpoint("gc_refs");
      await scratch.keepObjects();
      await failpoint("gc_kept");
      tell("removing");
      await removeObjects(objects, old, pack, () => failpoint("gc_removing"));
      await failpoint("gc_removed");
    });
    await repositories.measure(name);
    const after = await this.#amount(name);
    await this.#countPushed(name);
    const { store, now } = context;
    const detail = { repo: name, before, after, branches: kept.lost.length };
    await store.write(() => store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "repo_collected", detail }));
    return { before, after, branches: this.#namesOf(kept.lost) };
  }

  /** Throws if an agent has got the repository since the others were stopped. A later start waits for the end. */
  #checkUnused(name: string): void {
    const { agents } = this.#deps.context;
    const up = agents.everyone().find((agent) => "running" in agent.phase && accessOf(agent, name) !== undefined);
    if (up !== undefined)
      throw new HiveError("conflict", `${up.name} began to work on ${name} meanwhile. Nothing was removed: try again`);
  }

  async #kept(name: string, tell: (words: string) => void): Promise<Kept> {
    const { context } = this.#deps;
    const { git, agents } = context;
    const { shas, oldBranches, oldPins } = await readRoots(context, name);
    // A destroyed agent keeps its workspaces until it is purged, and a draft has one before its deploy is done.
    for (const agent of agents.everyone()) {
      tell(`reading the workspaces of ${agent.name}`);
      for (const sha of await neededBy(context, name, agent)) shas.add(sha);
    }
    const roots = await existing(git, name, shas);
    return { roots, oldPins, lost: await unreached(git, name, oldBranches, roots) };
  }

  async #amount(name: string): Promise<Amount> {
    const { git } = this.#deps.context;
    const out = (await git.read(name, ["count-objects", "-v"])).toString("latin1");
    const figure = (what: string): number => Number(new RegExp(`^${what}: (\\d+)$`, "m").exec(out)?.[1] ?? 0);
    return { objects: figure("count") + figure("in-pack"), bytes: (figure("size") + figure("size-pack")) * 1024 };
  }

  /** What agents have pushed and nothing has merged counts to their disk limits. The rest is gone, or in a base. */
  async #countPushed(name: string): Promise<void> {
    const { context, repositories } = this.#deps;
    const { store, git } = context;
    const bases = [...repositories.tips(name).values()].map((sha) => `^${sha}\n`).join("");
    for (const agent of store.repositories.pushersTo(name)) {
      const tips = store.repositories.branches(name).filter((row) => row.agent === agent);
      const input = tips.map(({ sha }) => `${sha}\n`).join("") + bases;
      const bytes =
        tips.length === 0 ? 0 : Number(await git.read(name, ["rev-list", "--objects", "--disk-usage", "--stdin"], { input }));
      await store.write(() => store.repositories.setPushed(agent, name, bytes));
    }
  }

  #namesOf(rows: readonly BranchRecord[]): string[] {
    const { agents } = this.#deps.context;
    return rows.map(({ agent, branch }) => `${agents.byId(agent)?.name ?? agent}/${branch}`);
  }
}

/** Throws `disk_full` if the new pack would fill the disk. */
function checkRoom(folder: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize >= bytes + SPARE_BYTES) return;
  const needed = Math.ceil((bytes + SPARE_BYTES) / 1024 ** 2);
  throw new HiveError(
    "disk_full",
    `what is needed is copied first, and the disk has no ${needed} MiB for it: make room, and try again`,
  );
}
