import { hivectl } from "../lib/hivectl.ts";
import { RepoRefusal, type AppliedRepo } from "../config-repos/types.ts";
import type { ApprovalRecord } from "../store/approvals.ts";
import type { RequestOrigin, Sha, TreeFile } from "../wire/approval.ts";
import type { AgentConfig } from "../wire/config.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_OPEN_REQUESTS, MAX_UNDECIDED_REQUESTS } from "../wire/limits.ts";
import { MANAGER, SYSTEM } from "../wire/names.ts";
import { isOperator } from "../wire/roles.ts";
import type { Agent } from "../agents/agent.ts";
import { readGeneration, treeFiles } from "../agents/config-tree.ts";
import { templateTree } from "../agents/template.ts";
import type { RequestStore } from "./request-store.ts";
import type { Deploys } from "./deploys.ts";
import { contentOf, digestOf } from "./digest.ts";
import { evaluationComplaints } from "./evaluated.ts";
import { marksAgainst, NO_MARKS, refreshMarks } from "./marks.ts";
import { tagMoment } from "./projection.ts";
import { tagEnd } from "./finish.ts";
import { byPath, configOf } from "./tree.ts";
import { checkMayMount, tryRequest, type Mounted, type RequestTrial } from "./mounts.ts";
import { notAfter } from "./steps/tree.ts";
import type { DeployContext } from "./deploy-context.ts";

/** The content of a new request. */
interface Draft {
  name: string;
  agent: Agent | undefined;
  kind: "spawn" | "apply_commit";
  origin: RequestOrigin;
  by: string;
  description?: string | undefined;
  /** The reason, as given by the author or the operator. */
  note?: string | undefined;
  sha: Sha;
  /** True if its author approves it at once. */
  approved: boolean;
}

/** The purpose of a deploy, and the reason for the decision. */
export interface Why {
  description?: string | undefined;
  note?: string | undefined;
}

interface Rollback {
  note?: string | undefined;
  /** False if it may not give the agent folders of the host that it does not have now. */
  mayMount?: boolean;
}

const NOTHING_MOUNTED: Mounted = { files: [], owners: {} };

/** Creates requests: checks them, stores them, and starts those that their author approves. */
export class Requests {
  readonly #context: DeployContext;
  readonly #requestStore: RequestStore;
  readonly #deploys: Deploys;
  /** Names of agents whose spawn is requested but not stored yet. */
  readonly #asking = new Set<string>();

  constructor(context: DeployContext, requestStore: RequestStore, deploys: Deploys) {
    this.#context = context;
    this.#requestStore = requestStore;
    this.#deploys = deploys;
  }

  // Requesting

  /** Requests a new agent. Unless the origin is "request", it is approved at once. Resolves with the stored row. */
  async spawn(input: {
    name: string;
    description?: string | undefined;
    config?: Partial<AgentConfig> | undefined;
    instructions?: string | undefined;
    note?: string | undefined;
    by: string;
    origin: "request" | "spawn" | "first_start";
    /** False if `by` may not give an agent folders of the host. */
    mayMount?: boolean;
  }): Promise<ApprovalRecord> {
    const { name, by, origin, description, note } = input;
    this.#checkSpawn(name);
    if (origin === "request") this.#checkRoom(by);
    else this.#context.allStop.check();
    this.#asking.add(name);
    try {
      const config = { ...input.config, ...(description === undefined ? {} : { description }) };
      const files = treeFiles(templateTree(config, input.instructions, name === MANAGER ? "manager" : "agent"));
      const tried = await tryRequest(this.#context, { name, agent: undefined }, files);
      if (tried.complaints.length > 0) throw new HiveError("bad_request", tried.complaints.join("\n"));
      if (origin !== "request") checkMayMount(input.mayMount ?? true, name, NOTHING_MOUNTED, { files, owners: tried.owners });
      const sha = await this.#commit(name, files, [], `spawn ${name}`, by);
      const approved = origin !== "request";
      const draft: Draft = { name, agent: undefined, kind: "spawn", origin, by, description, note, sha, approved };
      return await this.#store(draft, tried);
    } finally {
      this.#asking.delete(name);
    }
  }

  #checkSpawn(name: string): void {
    const waiting = this.#context.store.approvals.openOf(name)[0];
    if (waiting && !this.#requestStore.agentOf(waiting)) {
      const words =
        waiting.state === "pending"
          ? `request ${waiting.id} for an agent ${name} waits already`
          : `there is an agent ${name} already`;
      throw new HiveError("conflict", words);
    }
    this.#context.swarm.checkFree(name);
    if (this.#asking.has(name)) throw new HiveError("conflict", `there is an agent ${name} already`);
  }

  /** Requests the deploy of a commit in the agent's proposed repository. A refusal is thrown at once. */
  async applyCommit(input: {
    agent: string;
    commit: Sha;
    description?: string | undefined;
    note?: string | undefined;
    by: string;
    origin: RequestOrigin;
  }) {
    const agent = this.#context.swarm.byName(input.agent);
    const manager = this.#context.swarm.manager();
    if (!manager || agent === manager)
      throw new HiveError("not_found", `${agent.name} has no proposed repository: propose a folder instead`);
    this.#checkNew(agent, input.commit);
    this.#checkRoom(input.by);
    const repo = this.#context.repos.applied(agent.name);
    try {
      await repo.fetch(this.#context.repos.proposed(agent.name, manager.record.identity), input.commit);
    } catch (error) {
      throw asRefusal(error);
    }
    return this.#propose(agent, repo, input.commit, input);
  }

  /** Proposes a whole config tree on top of the running one, for the operator. */
  async proposeFiles(input: {
    agent: string;
    files: readonly TreeFile[];
    description?: string | undefined;
    note?: string | undefined;
    by: string;
  }) {
    const agent = this.#context.swarm.byName(input.agent);
    this.#checkRoom(input.by);
    const running = agent.record.deployedSha;
    const words = input.description ?? `proposed by ${input.by}`;
    const sha = await this.#commit(agent.name, input.files, running === undefined ? [] : [running], words, input.by);
    return this.#propose(agent, this.#context.repos.applied(agent.name), sha, { ...input, origin: "proposal" });
  }

  async #propose(
    agent: Agent,
    repo: AppliedRepo,
    sha: Sha,
    input: { description?: string | undefined; note?: string | undefined; by: string; origin: RequestOrigin },
  ): Promise<ApprovalRecord> {
    this.#checkNew(agent, sha);
    const { description, note, by, origin } = input;
    const draft: Draft = { name: agent.name, agent, kind: "apply_commit", origin, by, description, note, sha, approved: false };
    let files: TreeFile[];
    try {
      files = await repo.files(sha);
    } catch (error) {
      if (!(error instanceof RepoRefusal)) throw error;
      return this.#store(draft, { ...NOT_TRIED, complaints: [error.message] });
    }
    const running = agent.record.deployedSha;
    const tried = await tryRequest(this.#context, { name: agent.name, agent }, files);
    if (running !== undefined && !(await repo.isAncestor(running, sha))) tried.complaints.push(notAfter(agent.name, running));
    // Last, because it takes seconds.
    if (tried.complaints.length === 0)
      tried.complaints = await evaluationComplaints(this.#context, { agent: agent.name, sha, by }, repo, files);
    return this.#store(draft, tried);
  }

  /** Deploys the config of an earlier deploy again. */
  async rollback(name: string, id: number, by: string, { note, mayMount = true }: Rollback = {}): Promise<ApprovalRecord> {
    const agent = this.#context.swarm.byName(name);
    const earlier = this.#requestStore.get(id);
    if (earlier.agent !== agent.id || earlier.state !== "deployed")
      throw new HiveError("not_found", `${name} has no deploy ${id}: ${hivectl(`deploys ${name}`)} lists them`);
    if (agent.record.deployedRequest === id) throw new HiveError("conflict", `deployed/${id} is what runs`);
    const description = `back to deployed/${id}`;
    if (!mayMount) await this.#checkMounts(agent, earlier.sha);
    const [other] = await this.#otherRepositories(agent, earlier);
    if (other !== undefined)
      throw new HiveError(
        "conflict",
        `the repository ${other} is not the one that deployed/${id} was approved with: it was removed since. Look at that config and propose it anew: ${hivectl(`propose ${name} --from ${id}`)}`,
      );
    return this.#again(agent, earlier.sha, "rollback", by, { description, note });
  }

  /** Deploys the locked config again with the current hyperhive. An agent without any deploy gets its first one. */
  async rebuild(agent: Agent, by: string, why: Why = {}): Promise<ApprovalRecord> {
    const { deployedSha } = agent.record;
    if (deployedSha !== undefined) return this.#again(agent, deployedSha, "update", by, why);
    const files = await readGeneration(this.#context.paths.agent(agent.id).generation(agent.record.generation));
    const sha = await this.#commit(agent.name, files, [], `take over ${agent.name}`, by);
    return this.#again(agent, sha, "update", by, { description: "adopted from before deploys existed", ...why });
  }

  /** Revives a destroyed agent with the config that ran when it was destroyed. */
  async revive(name: string, by: string, why: Why = {}): Promise<ApprovalRecord> {
    const agent = this.#context.swarm.byNameEvenDestroyed(name);
    if (!agent.destroyed) throw new HiveError("conflict", `${name} is not destroyed`);
    if (agent.deploying !== undefined) throw new HiveError("conflict", `${name} is being revived already`);
    const { deployedSha, deployedRequest } = agent.record;
    const [other] =
      deployedRequest === undefined ? [] : await this.#otherRepositories(agent, this.#requestStore.get(deployedRequest));
    if (other !== undefined)
      throw new HiveError(
        "conflict",
        `the repository ${other} is not the one that ${name} was approved with: it was removed since. ${hivectl(`destroy ${name} --purge`)} frees the name`,
      );
    if (deployedSha !== undefined) return this.#again(agent, deployedSha, "revive", by, why);
    const files = await readGeneration(this.#context.paths.agent(agent.id).generation(agent.record.generation));
    return this.#again(agent, await this.#commit(name, files, [], `take over ${name}`, by), "revive", by, why);
  }

  /**
   * The repositories of an earlier config that the agent does not work on now, and that the hive does not have, or has
   * only since that config was approved: another one has the name.
   */
  async #otherRepositories(agent: Agent, earlier: ApprovalRecord): Promise<string[]> {
    const { config } = configOf(byPath(await this.#context.repos.applied(agent.name).files(earlier.sha)));
    const running = agent.destroyed ? [] : agent.config.repos.map(({ name }) => name);
    const repos = config.repos.filter(({ name }) => !running.includes(name));
    return this.#context.repositories.newerThan(earlier.approved_at ?? earlier.requested_at, repos);
  }

  /** Throws if an earlier config of an agent has a mount that the running one has not. */
  async #checkMounts(agent: Agent, sha: Sha): Promise<void> {
    const repo = this.#context.repos.applied(agent.name);
    const mounted = async (commit: Sha): Promise<Mounted> => ({
      files: await repo.files(commit),
      owners: this.#context.store.approvals.mountOwners(agent.name, commit),
    });
    const { deployedSha } = agent.record;
    const before = deployedSha === undefined ? NOTHING_MOUNTED : await mounted(deployedSha);
    checkMayMount(false, agent.name, before, await mounted(sha));
  }

  async #again(agent: Agent, sha: Sha, origin: RequestOrigin, by: string, why: Why): Promise<ApprovalRecord> {
    this.#context.allStop.check();
    const kind = origin === "revive" ? "spawn" : "apply_commit";
    // A config that ran before keeps its id maps and the instructions of repositories, and gets no others.
    const { approvals } = this.#context.store;
    const tried = { ...NOT_TRIED, owners: approvals.mountOwners(agent.name, sha), project: approvals.project(agent.name, sha) };
    return this.#store({ name: agent.name, agent, kind, origin, by, ...why, sha, approved: true }, tried);
  }

  // Helpers

  /**
   * Throws if `by` may not make another request. An agent is notified of the end in its inbox, so the inbox must have
   * room.
   */
  #checkRoom(by: string): void {
    const asker = isOperator(by) ? undefined : this.#context.swarm.find(by);
    if (asker) this.#context.broker.checkMayAsk(asker.id);
    const { approvals } = this.#context.store;
    if (approvals.open().length >= MAX_OPEN_REQUESTS)
      throw new HiveError("rate_limited", `${MAX_OPEN_REQUESTS} requests wait for the operator already: cancel some, or wait`);
    if (!isOperator(by) && approvals.undecided(by) >= MAX_UNDECIDED_REQUESTS)
      throw new HiveError(
        "rate_limited",
        `${MAX_UNDECIDED_REQUESTS} of your requests have failed their check or were cancelled since the operator last decided one: the operator must make the next one`,
      );
  }

  #checkNew(agent: Agent, sha: Sha): void {
    if (agent.record.deployedSha === sha) throw new HiveError("conflict", `this commit is what ${agent.name} runs`);
    const same = this.#context.store.approvals.openOf(agent.name).find((row) => row.sha === sha);
    if (same) throw new HiveError("conflict", `request ${same.id} asks for this commit already`);
  }

  async #commit(
    name: string,
    files: readonly TreeFile[],
    parents: readonly Sha[],
    message: string,
    author: string,
  ): Promise<Sha> {
    const repo = this.#context.repos.applied(name);
    await repo.ensure();
    try {
      return await repo.commit(files, parents, { message, author, at: this.#context.now() });
    } catch (error) {
      throw asRefusal(error);
    }
  }

  /** Stores a request and tags its commit. Starts the deploy if it is approved. */
  async #store(draft: Draft, tried: RequestTrial): Promise<ApprovalRecord> {
    const context = this.#context;
    const repo = context.repos.applied(draft.name);
    const base = draft.origin === "revive" ? undefined : draft.agent?.record.deployedSha;
    const project = tried.project === undefined ? null : JSON.stringify(tried.project);
    const mounts = Object.keys(tried.owners).length > 0 ? JSON.stringify(tried.owners) : null;
    const [tree, marks] = await Promise.all([
      repo.treeOf(draft.sha),
      tried.complaints.length > 0 ? NO_MARKS : marksAgainst(context, { ...draft, mount_owners: mounts, project }, base),
    ]);
    const row = await context.store.write((tx) =>
      this.#write(tx, draft, tried.complaints, { tree, base_sha: base ?? null, mount_owners: mounts, project, ...marks }),
    );
    await tagMoment(context, row, "proposal");
    if (tried.project) await repo.tag({ name: `project/${row.id}`, sha: tried.project.sha, at: row.requested_at });
    // Another config may have been deployed while the marks were made.
    if (row.state === "pending" && this.#requestStore.running(row) !== base)
      await refreshMarks(context, this.#requestStore, row.name);
    if (row.state === "failed") await tagEnd(context, row).catch(context.onUnexpected);
    if (draft.approved) {
      await tagMoment(context, row, "approved");
      void this.#deploys.run(row).catch(context.onUnexpected);
    }
    return row;
  }

  #write(
    tx: Parameters<Parameters<DeployContext["store"]["write"]>[0]>[0],
    draft: Draft,
    complaints: readonly string[],
    found: Pick<ApprovalRecord, "tree" | "base_sha" | "mount_owners" | "project" | "risks" | "stat">,
  ): ApprovalRecord {
    // Checked again inside the write, because several requests may be made at once, and their trials take a while.
    if (!draft.approved) this.#checkRoom(draft.by);
    if (!draft.approved && draft.agent) this.#checkNew(draft.agent, draft.sha);
    const now = this.#context.now();
    const row = this.#requestStore.insert(tx, {
      agent: draft.agent?.id ?? null,
      name: draft.name,
      kind: draft.kind,
      origin: draft.origin,
      requested_by: draft.by,
      description: draft.description?.trim() || null,
      sha: draft.sha,
      ...found,
      decided_base: null,
      digest: null,
      candidate: null,
      previous: null,
      hyperhive: null,
      requested_at: now,
      approved_at: null,
      building_at: null,
      nix_read: 0,
      resolved_at: null,
      resolved_by: null,
      note: draft.note?.trim() || null,
      error: null,
    });
    if (complaints.length > 0)
      return this.#requestStore.move(tx, row.id, "fail", SYSTEM, { error: complaints.join("\n"), resolved_at: now });
    if (!draft.approved) return row;
    const digest = digestOf(contentOf(found), this.#requestStore.runningContent(draft.name));
    return this.#requestStore.move(tx, row.id, "approve", draft.by, { digest, approved_at: now, resolved_by: draft.by });
  }
}

/** The trial of a request without anything to try. */
const NOT_TRIED: RequestTrial = { complaints: [], owners: {} };

/** Converts the repository's refusal into an error for the author of the proposal. */
function asRefusal(error: unknown): unknown {
  return error instanceof RepoRefusal ? new HiveError("bad_request", error.message, { cause: error }) : error;
}
