import type { Agent } from "../agents/agent.ts";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { removeTree } from "../os/remove-tree.ts";
import { discard, makeRepo } from "../os/git/folders.ts";
import { listRefs, mirrorRefs, moveRef, refObjects, removeLocks, removeRef } from "../os/git/refs.ts";
import { bytesOnDisk } from "../os/disk-use.ts";
import { hivectl } from "../lib/hivectl.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import type { FetchRecord, QueueHolds } from "../store/repositories.ts";
import { HiveError } from "../wire/error.ts";
import { parseAddress } from "../wire/remote.ts";
import { MAX_REASON_CHARS } from "../wire/limits.ts";
import { OPERATOR, SYSTEM } from "../wire/names.ts";
import { DEFAULT_REPO_SETTINGS, MAX_REPOS, type PushView, type RepoSettings, type RepoView } from "../wire/work.ts";
import type { Sha } from "../wire/approval.ts";
import { forgePlace } from "./forge/place.ts";
import { settingsComplaint } from "./policy.ts";
import { fromRow, toRow, type RemoteUpstream, type Repo, type Upstream } from "./repo-record.ts";
import { RepoUses } from "./repo-uses.ts";
import { remedyFor, viewOf } from "./repo-view.ts";
import { accessOf, type WorkContext } from "./work-context.ts";

/** What moves a base besides the merge queue. */
export interface BaseMover {
  actor: string;
  by: "upstream" | "operator";
}

const HEADS = "refs/heads/";
/** Tags, which are those of the upstream. */
export const TAGS = "refs/tags/";
/** What resets have replaced: `refs/kept/<milliseconds>/<base>`. */
export const KEPT = "refs/kept/";
export const DIVERGED = "the hive and its upstream each have commits that the other lacks";

/**
 * The repositories of the hive: their rows, their folders, and the tips of their bases. Only this class moves a base.
 * The tips are read once and kept, because every view shows them.
 */
export class Repositories {
  readonly #context: WorkContext;
  readonly #repos = new Map<string, Repo>();
  readonly #tips = new Map<string, Map<string, Sha>>();
  readonly #tags = new Map<string, Map<string, Sha>>();
  /** What is known of the branches `hive/<base>` of upstreams, by repository and base. */
  readonly #pushes = new Map<string, Map<string, Omit<PushView, "base">>>();
  /** How the last fetch from another host ended, by repository. */
  readonly #fetches = new Map<string, FetchRecord>();
  readonly #movedListeners: ((name: string) => void)[] = [];
  /** Changes of rows, one after the other: each is made from the row before. */
  readonly #writes = new SerialQueue();
  /** Repositories that cannot be read, each with the reason. Everything else of the hive goes on. */
  readonly #damaged = new Map<string, string>();
  /** Who refers to objects of a repository now. */
  readonly uses = new RepoUses();
  /** What the removal of unneeded objects does just now, by repository. */
  readonly #collecting = new Map<string, string>();
  /** Names of repositories that are being made. */
  readonly #making = new Set<string>();

  constructor(context: WorkContext) {
    this.#context = context;
    for (const row of context.store.repositories.all()) this.#repos.set(row.name, fromRow(row));
    for (const row of context.store.repositories.fetches()) this.#fetches.set(row.repo, row);
  }

  /** Reads the tips and removes what a killed git has left. Called before any repository is used. */
  async open(): Promise<void> {
    // What a daemon that was killed had not finished.
    for (const name of await readdir(this.#scratch)) await removeTree(join(this.#scratch, name));
    for (const name of this.#repos.keys()) {
      try {
        await this.#openOne(name);
      } catch (error) {
        this.#context.onUnexpected(error);
        this.#damaged.set(name, error instanceof Error ? error.message : String(error));
      }
    }
  }

  async #openOne(name: string): Promise<void> {
    const folder = this.folder(name);
    // Not made again: an empty one would say that its bases and changes are gone.
    if (!existsSync(folder)) throw new Error(`${folder} is missing`);
    await removeLocks(folder);
    // Reads the objects, too: one that is missing would fail every fetch.
    await listRefs(folder, [HEADS, TAGS]);
    await this.#readTips(name);
    await this.#readTags(name);
  }

  get #scratch(): string {
    return this.#context.paths.repoScratch;
  }

  /** The bare repository of a name. */
  folder(name: string): string {
    return this.#context.git.folder(name);
  }

  all(): Repo[] {
    return [...this.#repos.values()];
  }

  /** The repository of a name. Undefined if there is none, or if it cannot be read. */
  find(name: string): Repo | undefined {
    return this.#damaged.has(name) ? undefined : this.#repos.get(name);
  }

  get(name: string): Repo {
    const repo = this.#repos.get(name);
    const damage = this.#damaged.get(name);
    if (damage !== undefined) throw new HiveError("unavailable", `the repository ${name} ${remedyFor(name, damage)}`);
    if (!repo) throw new HiveError("not_found", `there is no repository ${name}: ${hivectl("repo list")} lists them`);
    return repo;
  }

  /** The bases of a repository with their tips, by name. */
  tips(name: string): ReadonlyMap<string, Sha> {
    return this.#tips.get(name) ?? new Map();
  }

  tip(name: string, base: string): Sha | undefined {
    return this.tips(name).get(base);
  }

  /** Throws if a name is taken. */
  checkFree(name: string): void {
    if (this.#repos.has(name) || this.#making.has(name))
      throw new HiveError("conflict", `there is a repository ${name} already: ${hivectl(`repo show ${name}`)}`);
  }

  /**
   * Stores a new, empty repository. One that the host declares has the declared settings. Throws if the name is taken,
   * and if the caller sets up one that is declared.
   */
  async create(name: string, settings: Partial<RepoSettings>, upstream?: Upstream, by: string = OPERATOR): Promise<Repo> {
    this.checkFree(name);
    if (this.#repos.size >= MAX_REPOS) throw new HiveError("conflict", `a hive has at most ${MAX_REPOS} repositories`);
    const { declared } = this.#context;
    const own = declared.settingsOf(name);
    // The base of a followed folder is known before its repository is made.
    if (Object.keys(settings).some((key) => key !== "base") || (settings.base ?? own?.base) !== own?.base)
      declared.refuse(name, "set it up");
    const all = own ?? { base: "main", ...DEFAULT_REPO_SETTINGS, ...settings };
    checkTogether(all, upstream);
    this.#making.add(name);
    try {
      const repo: Repo = {
        name,
        settings: all,
        upstream,
        holds: {},
        bytes: 0,
        createdAt: this.#context.now(),
      };
      // Without a row it is what a daemon left that ended while it made or removed a repository.
      await discard(this.folder(name), this.#scratch);
      await makeRepo(this.folder(name), this.#scratch);
      await this.#put(repo, "repo_added", { ...settings, ...(upstream?.kind === "remote" ? hostOf(upstream) : {}) }, by);
      return repo;
    } finally {
      this.#making.delete(name);
    }
  }

  /** Changes settings or the followed folder. Throws if an operator changes settings that the host declares. */
  async set(
    name: string,
    patch: { settings?: Partial<RepoSettings>; upstream?: Upstream },
    { kind = "repo_set", by = OPERATOR, detail }: { kind?: string; by?: string; detail?: object } = {},
  ): Promise<Repo> {
    return this.#writes.run(async () => {
      const repo = this.get(name);
      if (patch.settings && by !== SYSTEM) this.#context.declared.refuse(name, "change it");
      const next: Repo = {
        ...repo,
        settings: { ...repo.settings, ...patch.settings },
        upstream: patch.upstream ?? repo.upstream,
      };
      if (patch.settings) checkTogether(next.settings, next.upstream);
      await this.#put(next, kind, { ...patch.settings, ...detail }, by);
      return next;
    });
  }

  /**
   * Holds the queue of a base, or lets it go on. Idempotent. A hold does not change whether a base
   * has diverged.
   */
  async hold(name: string, base: string, hold: QueueHolds[string] | undefined, by: string = OPERATOR): Promise<void> {
    await this.#hold(name, base, by, (now) => {
      if (!now?.diverged) return hold;
      return hold ? { ...hold, diverged: true } : now;
    });
  }

  /** Stores whether a base has diverged. Its queue is stopped as long as it has; what else holds the queue stays. */
  async setDiverged(name: string, base: string, isDiverged: boolean): Promise<void> {
    await this.#hold(name, base, OPERATOR, (now) => {
      if (isDiverged) return { ...(now ?? { by: "system", reason: DIVERGED }), diverged: true };
      if (!now?.diverged || now.reason === DIVERGED) return now?.diverged ? undefined : now;
      return { by: now.by, reason: now.reason };
    });
  }

  async #hold(
    name: string,
    base: string,
    by: string,
    next: (now: QueueHolds[string] | undefined) => QueueHolds[string] | undefined,
  ): Promise<void> {
    await this.#writes.run(async () => {
      const repo = this.get(name);
      const { [base]: now, ...others } = repo.holds;
      const hold = next(now);
      if (now?.by === hold?.by && now?.reason === hold?.reason && now?.diverged === hold?.diverged) return;
      const holds = hold === undefined ? others : { ...others, [base]: hold };
      const kind = hold === undefined ? "queue_resumed" : hold.by === "operator" ? "queue_paused" : "queue_stopped";
      const actor = hold?.by === "system" ? SYSTEM : by;
      await this.#put({ ...repo, holds }, kind, { base, ...(hold ? { reason: hold.reason } : {}) }, actor);
    });
  }

  async #put(repo: Repo, kind: string, detail: object | undefined, actor: string): Promise<void> {
    const { store, now } = this.#context;
    await store.write(() => {
      store.repositories.put(toRow(repo));
      store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, detail: { repo: repo.name, ...detail } });
    });
    this.#repos.set(repo.name, repo);
    this.changed(repo.name);
  }

  /** Removes a repository with its changes. Throws if an agent's config names it. */
  async remove(name: string, by: string = OPERATOR): Promise<void> {
    this.refuseWhileCollecting("remove it", name);
    const repo = this.#repos.get(name) ?? this.get(name);
    this.#refuseInUse(name);
    const { store, now, feed, bus } = this.#context;
    await store.write((tx) => {
      const ended = store.changes.openIn(repo.name);
      tx.afterCommit(() => {
        for (const { id, agent } of ended) bus.emit("change_stored", { change: id, agent, isOver: true });
      });
      store.changes.removeOf(repo.name);
      store.pulls.removeOf(repo.name);
      store.repositories.remove(repo.name);
      store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind: "repo_removed", detail: { repo: repo.name } });
    });
    this.#repos.delete(name);
    this.#damaged.delete(name);
    this.#tips.delete(name);
    this.#tags.delete(name);
    this.#pushes.delete(name);
    this.#fetches.delete(name);
    await this.#context.credentials.remove(name);
    await this.#context.forgeCredentials.remove(name);
    await discard(this.folder(name), this.#scratch);
    feed.publish({ kind: "repo", name });
  }

  /** Throws if an agent works on a repository, or would when it is revived: another one of the name is not its. */
  #refuseInUse(name: string): void {
    const all = this.#context.agents.allWithDestroyed().filter((agent) => accessOf(agent, name) !== undefined);
    const [users, destroyed] = [all.filter((agent) => !agent.destroyed), all.filter((agent) => agent.destroyed)];
    const namesOf = (agents: readonly Agent[]): string =>
      agents
        .map((agent) => agent.name)
        .sort()
        .join(", ");
    if (users.length > 0)
      throw new HiveError(
        "conflict",
        `${namesOf(users)} ${users.length === 1 ? "uses" : "use"} the repository ${name}: remove it from ${users.length === 1 ? "its" : "their"} agent.json first`,
      );
    const [first] = destroyed;
    if (first)
      throw new HiveError(
        "conflict",
        `${namesOf(destroyed)} ${destroyed.length === 1 ? "was" : "were"} destroyed and can be revived to work on ${name}: ${hivectl(`destroy ${first.name} --purge`)} removes an agent for good, with its own clone`,
      );
  }

  /**
   * Moves a base by compare-and-swap; `expected` undefined creates it. On stable storage when it resolves with true.
   * False if the base is elsewhere by now. `mover` names in the audit trail what moved it, unless the caller does.
   */
  async moveBase(name: string, base: string, next: Sha, expected: Sha | undefined, mover?: BaseMover): Promise<boolean> {
    const { ok } = await moveRef(this.folder(name), HEADS + base, next, expected);
    await this.#readTips(name);
    this.changed(name);
    if (ok && mover) {
      const { store, now } = this.#context;
      const detail = { repo: name, base, ...(expected === undefined ? {} : { from: expected }), to: next, by: mover.by };
      await store.write(() => store.ledger.audit(store.nextSeq(), { at: now(), actor: mover.actor, kind: "base_moved", detail }));
    }
    if (ok) for (const listener of this.#movedListeners) listener(name);
    return ok;
  }

  /** Calls the listener with the name of a repository after one of its bases has moved. */
  onMoved(listener: (name: string) => void): void {
    this.#movedListeners.push(listener);
  }

  /** Sets what is shown of the branch `hive/<base>` of an upstream; undefined: nothing. */
  setPush(name: string, base: string, push: Omit<PushView, "base"> | undefined): void {
    const pushes = this.#pushes.get(name) ?? new Map<string, Omit<PushView, "base">>();
    if (push === undefined) pushes.delete(base);
    else pushes.set(base, push);
    this.#pushes.set(name, pushes);
    this.changed(name);
  }

  /** Stores how a fetch from another host has ended: why it failed, or that it did not. */
  async setFetched(name: string, failed: string | undefined): Promise<void> {
    const { store, now } = this.#context;
    const why = failed?.slice(0, MAX_REASON_CHARS) ?? null;
    const last = this.#fetches.get(name)?.at ?? 0;
    const row = { repo: name, at: why === null ? now() : last, failed: why };
    await store.write(() => store.repositories.putFetch(row.repo, row.at, row.failed));
    this.#fetches.set(name, row);
    this.changed(name);
  }

  /** Removes a base that its upstream has removed. */
  async removeBase(name: string, base: string): Promise<void> {
    await removeRef(this.folder(name), HEADS + base);
    await this.#readTips(name);
    this.changed(name);
  }

  /** Keeps a commit of a base under a ref of its own, on stable storage. Returns the ref. */
  async keep(name: string, base: string, sha: Sha): Promise<string> {
    const ref = `${KEPT}${this.#context.now()}/${base}`;
    const { ok } = await moveRef(this.folder(name), ref, sha, undefined);
    if (!ok) throw new HiveError("conflict", `${ref} is taken: try again`);
    return ref;
  }

  /** The last commit of a base that was kept. */
  async kept(name: string, base: string): Promise<Sha | undefined> {
    const refs = await refObjects(this.folder(name), KEPT);
    const [, newest] = [...refs]
      .filter(([ref]) => ref.slice(ref.indexOf("/", KEPT.length) + 1) === base)
      .map(([ref, sha]) => [Number.parseInt(ref.slice(KEPT.length), 10), sha] as const)
      .reduce((a, b) => (b[0] > a[0] ? b : a), [-1, undefined] as readonly [number, Sha | undefined]);
    return newest;
  }

  async #readTips(name: string): Promise<void> {
    const refs = await refObjects(this.folder(name), HEADS);
    this.#tips.set(name, new Map([...refs].map(([ref, sha]) => [ref.slice(HEADS.length), sha])));
  }

  /** The tags of the upstream, as last fetched, with the object that each names. */
  tags(name: string): ReadonlyMap<string, Sha> {
    return this.#tags.get(name) ?? new Map();
  }

  /** Makes the tags of a repository those of its upstream. Their objects must be there. */
  async setTags(name: string, tags: ReadonlyMap<string, Sha>): Promise<void> {
    await mirrorRefs(this.folder(name), TAGS, new Map([...tags].map(([tag, sha]) => [TAGS + tag, sha])));
    await this.#readTags(name);
  }

  async #readTags(name: string): Promise<void> {
    const refs = await refObjects(this.folder(name), TAGS);
    this.#tags.set(name, new Map([...refs].map(([ref, sha]) => [ref.slice(TAGS.length), sha])));
  }

  /** Measures the objects again and stores the size. */
  async measure(name: string): Promise<void> {
    const bytes = await bytesOnDisk([join(this.folder(name), "objects")]);
    if (bytes === undefined) return;
    await this.#writes.run(async () => {
      const repo = this.#repos.get(name);
      if (repo === undefined || repo.bytes === bytes) return;
      const next = { ...repo, bytes };
      await this.#context.store.write(() => this.#context.store.repositories.put(toRow(next)));
      this.#repos.set(name, next);
      this.changed(name);
    });
  }

  /** Shows what the removal of unneeded objects does now. Undefined: it is over. */
  collecting(name: string, words: string | undefined): void {
    if (words === undefined) this.#collecting.delete(name);
    else this.#collecting.set(name, words);
    this.changed(name);
  }

  /** Throws while unneeded objects of a repository, or of any, are removed. */
  refuseWhileCollecting(what: string, name?: string): void {
    const busy = name === undefined ? [...this.#collecting.keys()][0] : this.#collecting.has(name) ? name : undefined;
    if (busy !== undefined)
      throw new HiveError("conflict", `unneeded objects of ${busy} are being removed: ${what} once that is done`);
  }

  /** Publishes the view of a repository. Called after anything in it has changed. */
  changed(name: string): void {
    const repo = this.#repos.get(name);
    if (repo) this.#context.feed.publish({ kind: "repo", name, repo: this.view(repo) });
  }

  view(repo: Repo): RepoView {
    const { name } = repo;
    return viewOf(repo, this.#context, {
      tips: this.tips(name),
      pushes: this.#pushes.get(name) ?? new Map(),
      fetch: this.#fetches.get(name),
      collecting: this.#collecting.get(name),
      damage: this.#damaged.get(name),
    });
  }
}

/** What the audit trail says of another host. */
const hostOf = ({ address, pinned, hostKey }: RemoteUpstream): object => ({
  upstream: address,
  ...(pinned === undefined ? {} : { private_address: pinned }),
  ...(hostKey === undefined ? {} : { host_key: hostKey.fingerprint }),
});

function checkTogether(
  settings: Pick<RepoSettings, "policy" | "check" | "reviewers" | "push" | "check_on" | "forge">,
  upstream: Upstream | undefined,
): void {
  const complaint =
    settings.push !== "never" && upstream === undefined
      ? "the repository follows no folder and no other host, so there is nothing to push to: it takes no --push"
      : (forgeComplaint(settings, upstream) ?? settingsComplaint(settings));
  if (complaint !== undefined) throw new HiveError("bad_request", complaint);
}

function forgeComplaint(
  { forge, push }: Pick<RepoSettings, "forge" | "push">,
  upstream: Upstream | undefined,
): string | undefined {
  if (forge === "none") return undefined;
  if (upstream?.kind !== "remote")
    return "the repository follows no other host, so no host can have its pull requests: it takes no --forge";
  if (push !== "never") return "with --forge the other host merges: it takes no --push after-merge; set --push never with it";
  // Its words say what an address on a forge ends with.
  const parts = parseAddress(upstream.address);
  try {
    if (typeof parts !== "string") forgePlace(parts, forge);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
