import { hivectl } from "../lib/hivectl.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import { moveRef, refObjects, removeRef } from "../os/git/refs.ts";
import type { Sha } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_REASON_CHARS } from "../wire/limits.ts";
import { SYSTEM } from "../wire/names.ts";
import { HIVE_BRANCHES } from "../os/git/exported-folder.ts";
import { pushBase } from "./git/export.ts";
import type { Repositories } from "./repositories.ts";
import type { Swaps } from "./remote/swaps.ts";
import { placeOf, type Repo, type Upstream } from "./repo-record.ts";
import type { Upstreams } from "./upstream.ts";
import type { WorkContext } from "./work-context.ts";

/** What was last written to the upstream of a repository, by base. */
const PUSHED = "refs/pushed/";

export interface UpstreamPushesDeps {
  context: WorkContext;
  repositories: Repositories;
  upstreams: Pick<Upstreams, "tip">;
  swaps: Swaps;
}

/** What is known of a repository before its bases are pushed. */
interface Known {
  tips: ReadonlyMap<string, Sha>;
  /** What was pushed last, by base. */
  pushed: Map<string, Sha>;
  isRemote: boolean;
  /** Bases whose queues the daemon has stopped: they have diverged, or their branch is gone. */
  held: ReadonlySet<string>;
}

/**
 * Writes bases to what their repositories follow: to folders as `hive/<base>`, to other hosts as the base itself, which
 * the merge queue has done before it moved the base. What is to be pushed is seen from the
 * refs: a base that has what its upstream lacks, or that was pushed before, and is not where it was pushed last. So
 * nothing is lost with the daemon. A failure is kept for the operator; it stops nothing, and is tried again when the base
 * moves next.
 */
export class UpstreamPushes {
  readonly #context: WorkContext;
  readonly #repositories: Repositories;
  readonly #upstreams: Pick<Upstreams, "tip">;
  readonly #swaps: Swaps;
  readonly #ended = new AbortController();
  /** One push of a repository at a time. */
  readonly #queues = new Map<string, SerialQueue>();
  /** Branches that this daemon has pushed: their locks are its own. */
  readonly #seen = new Set<string>();
  #isStarted = false;

  constructor({ context, repositories, upstreams, swaps }: UpstreamPushesDeps) {
    this.#context = context;
    this.#repositories = repositories;
    this.#upstreams = upstreams;
    this.#swaps = swaps;
    repositories.onMoved((name) => this.kick(name));
  }

  /** Pushes what the last daemon has not. */
  start(): void {
    this.#isStarted = true;
    for (const { name } of this.#repositories.all()) this.kick(name);
  }

  /** Ends what runs. The next daemon pushes it. */
  async stop(): Promise<void> {
    this.#ended.abort(new Error("the daemon was stopped before the push was done"));
    await this.idle();
  }

  /** Resolves when nothing is pushed. */
  async idle(): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.run(async () => {})));
  }

  /** Pushes what is to be pushed of a repository, soon. */
  kick(name: string): void {
    if (!this.#isStarted || this.#repositories.find(name)?.upstream === undefined) return;
    void this.#queue(name)
      .run(() => this.#pushAll(name))
      .catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    if (!this.#ended.signal.aborted && !(error instanceof HiveError)) this.#context.onUnexpected(error);
  }

  /** Pushes a base now, for the operator. Throws with what to do if it cannot be pushed. */
  async push(name: string, given: string | undefined, by: string): Promise<{ base: string; sha: Sha; branch: string }> {
    const repo = this.#repositories.get(name);
    const base = given ?? repo.settings.base;
    if (repo.upstream === undefined)
      throw new HiveError("conflict", `the repository ${name} follows no folder and no other host: there is nothing to push to`);
    if (repo.settings.push === "never")
      throw new HiveError(
        "conflict",
        `${name} does not write to ${placeOf(repo.upstream)}: ${hivectl(`repo set ${name} --push after-merge`)} allows it to write ${repo.upstream.kind === "folder" ? `the branches ${HIVE_BRANCHES}<base>` : "its bases"}`,
      );
    if (this.#repositories.tip(name, base) === undefined) throw new HiveError("not_found", `${name} has no base ${base}`);
    return this.#queue(name).run(() => this.#push(name, base, by));
  }

  #queue(name: string): SerialQueue {
    const queue = this.#queues.get(name) ?? new SerialQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  async #pushAll(name: string): Promise<void> {
    const known = await this.#known(name);
    if (known === undefined) return;
    for (const base of known.pushed.keys()) {
      if (known.tips.has(base)) continue;
      await removeRef(this.#repositories.folder(name), PUSHED + base);
      this.#repositories.setPush(name, base, undefined);
      known.pushed.delete(base);
    }
    for (const [base, tip] of known.tips) {
      const sha = known.pushed.get(base);
      const upstream = await this.#upstreams.tip(name, base);
      if (sha === tip || (known.isRemote && upstream === tip))
        this.#repositories.setPush(name, base, { state: "pushed", sha: tip });
      // Another host gets what its base lacks. What has become of a held base is the operator's to decide.
      else if (known.isRemote ? !known.held.has(base) : sha !== undefined || upstream !== tip)
        // The view has the reason of a failure, and the other bases go on.
        await this.#push(name, base, SYSTEM).catch((error: unknown) => this.#report(error));
    }
  }

  /** The bases, and what was pushed of them. Undefined if nothing is to be pushed. */
  async #known(name: string): Promise<Known | undefined> {
    const repo = this.#repositories.find(name);
    if (this.#ended.signal.aborted || repo?.upstream === undefined || repo.settings.push === "never") return undefined;
    const held = new Set(Object.keys(repo.holds).filter((base) => repo.holds[base]?.by === "system"));
    const isRemote = repo.upstream.kind === "remote";
    return { tips: this.#repositories.tips(name), pushed: await this.#pushed(name), isRemote, held };
  }

  async #pushed(name: string): Promise<Map<string, Sha>> {
    const refs = await refObjects(this.#repositories.folder(name), PUSHED);
    return new Map([...refs].map(([ref, sha]) => [ref.slice(PUSHED.length), sha]));
  }

  #push(name: string, base: string, actor: string): Promise<{ base: string; sha: Sha; branch: string }> {
    return this.#repositories.uses.during(name, () => this.#pushNow(name, base, actor), this.#ended.signal);
  }

  async #pushNow(name: string, base: string, actor: string): Promise<{ base: string; sha: Sha; branch: string }> {
    const repo = this.#repositories.get(name);
    const sha = this.#repositories.tip(name, base);
    if (repo.upstream === undefined || sha === undefined)
      throw new HiveError("conflict", `${name} has no base ${base} to push, or no longer follows an upstream`);
    const last = (await this.#pushed(name)).get(base);
    this.#repositories.setPush(name, base, { state: "pushing", ...(last === undefined ? {} : { sha: last }) });
    try {
      const branch = await this.#pushTo(repo, repo.upstream, { base, sha, last, actor });
      return { base, sha, branch };
    } catch (error) {
      // The next daemon finds the ref as it is. A repository that was removed has no view.
      if (this.#ended.signal.aborted || this.#repositories.find(name) === undefined) throw error;
      const reason = (error instanceof Error ? error.message : String(error)).slice(0, MAX_REASON_CHARS);
      this.#repositories.setPush(name, base, { state: "failed", reason, ...(last === undefined ? {} : { sha: last }) });
      throw error;
    }
  }

  async #pushTo(
    repo: Repo,
    upstream: Upstream,
    { base, sha, last, actor }: { base: string; sha: Sha; last: Sha | undefined; actor: string },
  ): Promise<string> {
    const { git, store, now, failpoint, branchPrefix } = this.#context;
    let branch = HIVE_BRANCHES + base;
    if (upstream.kind === "folder") {
      const key = `${repo.name}\0${base}`;
      const options = { signal: this.#ended.signal, clean: !this.#seen.has(key) };
      this.#seen.add(key);
      await pushBase(git, { repo: repo.name, upstream, base, sha }, options);
    } else {
      const isDiverged = repo.holds[base]?.diverged === true;
      const offer = { own: `${branchPrefix}/${base}`, isDiverged };
      branch = await this.#swaps.offer(repo, base, sha, offer, this.#ended.signal);
    }
    await failpoint("upstream_pushed");
    await moveRef(this.#repositories.folder(repo.name), PUSHED + base, sha, last);
    const detail = { repo: repo.name, base, to: sha, branch };
    await store.write(() => store.ledger.audit(store.nextSeq(), { at: now(), actor, kind: "upstream_pushed", detail }));
    this.#repositories.setPush(repo.name, base, { state: "pushed", sha });
    return branch;
  }
}
