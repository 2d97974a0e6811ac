import { join } from "node:path";
import { listRefs, moveRef, readRef, removeRef } from "../../os/git/refs.ts";
import { SerialQueue } from "../../lib/serial-queue.ts";
import type { BranchRecord } from "../../store/repositories.ts";
import type { Sha } from "../../wire/approval.ts";
import { isOperator } from "../../wire/roles.ts";
import { OPERATOR } from "../../wire/names.ts";
import type { Repositories } from "../repositories.ts";
import { checkAlive, type WorkContext } from "../work-context.ts";
import type { Topic } from "./view.ts";

/** Whose branches they are: an agent, or the operator, whose id is its name. */
export interface Pusher {
  id: string;
  name: string;
}

/** One change of a topic. `next` undefined removes it. */
export interface TopicMove {
  topic: string;
  next: Sha | undefined;
}

/** What a push has brought: the bytes of its pack. */
interface Push {
  repo: string;
  pusher: Pusher;
  moves: readonly TopicMove[];
  bytes: number;
}

const PREFIX = "refs/agents/";

/**
 * The branches that agents have pushed: their rows and, derived from them, the refs `refs/agents/<agent id>/<topic>`.
 * Only this class changes them. A branch counts from the commit of its row on; a ref that is ahead of its row because
 * the daemon was killed in between is put back by `open`.
 */
export class Branches {
  readonly #context: WorkContext;
  readonly #repositories: Pick<Repositories, "all" | "find" | "folder" | "get">;
  /** One change at a time per repository. */
  readonly #queues = new Map<string, SerialQueue>();

  constructor(context: WorkContext, repositories: Pick<Repositories, "all" | "find" | "folder" | "get">) {
    this.#context = context;
    this.#repositories = repositories;
  }

  /** Makes the refs follow the rows. Called when the daemon starts, before the first push. */
  async open(): Promise<void> {
    // One that cannot be read is left as it is.
    for (const { name } of this.#repositories.all()) if (this.#repositories.find(name)) await this.#follow(name);
  }

  async #follow(repo: string): Promise<void> {
    const folder = this.#repositories.folder(repo);
    const wanted = new Map(this.#context.store.repositories.branches(repo).map((row) => [refOf(row.agent, row.branch), row.sha]));
    const there = await listRefs(folder, [PREFIX]);
    for (const ref of there.keys()) if (!wanted.has(ref)) await removeRef(folder, ref);
    for (const [ref, sha] of wanted) if (there.get(ref) !== sha) await place(folder, ref, sha);
  }

  /** The topics of a repository with their owners' names. Those of a purged agent are not there. */
  topics(repo: string): Topic[] {
    return this.#context.store.repositories.branches(repo).flatMap(({ agent, branch, sha }) => {
      const owner = agent === OPERATOR ? OPERATOR : this.#context.agents.byId(agent)?.name;
      return owner === undefined ? [] : [{ owner, topic: branch, sha }];
    });
  }

  /** The topics of one owner in a repository. */
  topicsOf(repo: string, owner: Pusher["id"]): ReadonlyMap<string, Sha> {
    const rows = this.#context.store.repositories.branches(repo).filter(({ agent }) => agent === owner);
    return new Map(rows.map(({ branch, sha }) => [branch, sha]));
  }

  /**
   * Stores a push whose objects are in the repository. It is on stable storage when the promise resolves. If it
   * rejects, nothing of it counts.
   */
  async store(push: Push): Promise<void> {
    const folder = this.#repositories.folder(push.repo);
    const { pusher, repo } = push;
    await this.#serially(repo, async () => {
      const { store } = this.#context;
      const before = new Map(push.moves.map(({ topic }) => [topic, store.repositories.branch(repo, pusher.id, topic)?.sha]));
      try {
        // A removed branch may leave room for one in its folder.
        for (const { topic, next } of push.moves) if (next === undefined) await place(folder, refOf(pusher.id, topic), next);
        for (const { topic, next } of push.moves) if (next !== undefined) await place(folder, refOf(pusher.id, topic), next);
        await this.#context.failpoint("push_ref");
        await this.#writeRows(push);
      } catch (error) {
        for (const [topic, sha] of before) await place(folder, refOf(pusher.id, topic), sha).catch(this.#context.onUnexpected);
        throw error;
      }
    });
    await this.#context.failpoint("push_row");
  }

  async #writeRows({ repo, pusher, moves, bytes }: Push): Promise<void> {
    const { store, now } = this.#context;
    await store.write(() => {
      // Both may have gone while the push arrived.
      checkAlive(this.#context, pusher.id);
      this.#repositories.get(repo);
      if (bytes > 0) store.repositories.addPushed(pusher.id, repo, bytes);
      for (const { topic, next } of moves) {
        if (next === undefined) store.repositories.removeBranch(repo, pusher.id, topic);
        else store.repositories.putBranch({ repo, agent: pusher.id, branch: topic, sha: next, pushed_at: now() });
        store.ledger.audit(store.nextSeq(), {
          at: now(),
          actor: pusher.name,
          kind: next === undefined ? "branch_removed" : "branch_pushed",
          agent: isOperator(pusher.name) ? OPERATOR : pusher.name,
          detail: { repo, branch: topic, ...(next === undefined ? {} : { sha: next }) },
        });
      }
    });
  }

  /** Removes branches that nothing needs any more, in the name of the operator who cleans up. */
  async removeOld(repo: string, rows: readonly BranchRecord[], by: string): Promise<void> {
    if (rows.length === 0) return;
    const { store, agents, now } = this.#context;
    await this.#serially(repo, async () => {
      await store.write(() => {
        for (const { agent, branch, sha } of rows) {
          store.repositories.removeBranch(repo, agent, branch);
          const name = agents.byId(agent)?.name ?? agent;
          const line = { at: now(), actor: by, kind: "branch_removed", agent: name, detail: { repo, branch, sha } };
          store.ledger.audit(store.nextSeq(), line);
        }
      });
      for (const { agent, branch } of rows) await removeRef(this.#repositories.folder(repo), refOf(agent, branch));
    });
  }

  /** Removes every branch of an agent that is purged. A new agent of its name starts without them. */
  async purge(agentId: string): Promise<void> {
    const { store } = this.#context;
    const rows = store.repositories.branchesOfAgent(agentId);
    if (rows.length === 0 && store.repositories.pushedBytes(agentId) === 0) return;
    await store.write(() => store.repositories.forgetPushed(agentId));
    for (const repo of new Set(rows.map((row) => row.repo)))
      await this.#serially(repo, async () => {
        await store.write(() => {
          for (const row of rows) if (row.repo === repo) store.repositories.removeBranch(repo, agentId, row.branch);
        });
        const folder = this.#repositories.folder(repo);
        for (const row of rows) if (row.repo === repo) await removeRef(folder, refOf(agentId, row.branch));
      });
  }

  #serially<T>(repo: string, step: () => Promise<T>): Promise<T> {
    const queue = this.#queues.get(repo) ?? new SerialQueue();
    this.#queues.set(repo, queue);
    return queue.run(step);
  }
}

function refOf(agentId: string, topic: string): string {
  return join(PREFIX, agentId, topic);
}

/** Puts a ref where it belongs, wherever it is. Only `Branches` moves these refs, so no other move is under way. */
async function place(folder: string, ref: string, sha: Sha | undefined): Promise<void> {
  if (sha === undefined) return removeRef(folder, ref);
  const now = await readRef(folder, ref);
  if (now === sha) return;
  const { ok } = await moveRef(folder, ref, sha, now);
  if (!ok) throw new Error(`${ref} was moved by another program`);
}
