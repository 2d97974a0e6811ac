import { hivectl } from "../lib/hivectl.ts";
import { SerialQueue } from "../lib/serial-queue.ts";
import { moveRef, readRef, refObjects, removeRef } from "../os/git/refs.ts";
import type { Sha } from "../wire/approval.ts";
import { isBeingMerged } from "../wire/change-states.ts";
import { HiveError } from "../wire/error.ts";
import type { HostKey } from "../wire/remote.ts";
import { SYSTEM } from "../wire/names.ts";
import type { RepoSettings } from "../wire/work.ts";
import type { GitWorker } from "./git/worker.ts";
import { refusal } from "./git/folder-source.ts";
import { isContained } from "./diff.ts";
import { copyHistory, type HistorySource } from "./git/import.ts";
import type { UpstreamRefs } from "./git/upstream-refs.ts";
import { checkCommits } from "./remote/check-commits.ts";
import type { NewRemote, Remotes } from "./remote/remotes.ts";
import { credentialOf, forgeToken, ownKey, type Login } from "./remote/login.ts";
import type { ChangeStore } from "./change-store.ts";
import type { News } from "./news.ts";
import type { Repositories } from "./repositories.ts";
import { placeOf, type FolderUpstream, type RemoteUpstream, type Repo, type Upstream } from "./repo-record.ts";
import type { WorkContext } from "./work-context.ts";

/** The effect of a fetch on the bases. */
export interface Fetched {
  moved: { base: string; from?: Sha; to: Sha }[];
  diverged: string[];
  gone: string[];
}

interface Follow {
  signal?: AbortSignal;
  report?(words: string): void;
}

/** A host to follow, and what logs in to it: a credential of the operator's, or a key that the hive makes and keeps. */
type NewLogin = NewRemote & Login & { isOwnKey?: boolean; forgeToken?: string | undefined };

interface UpstreamsDeps {
  context: WorkContext;
  repositories: Repositories;
  changeStore: ChangeStore;
  news: Pick<News, "baseMoved">;
  remotes: Remotes;
}

const MIB = 1024 * 1024;

/** Follows folders and other hosts: adds repositories from them, and moves bases forward to their branches. */
export class Upstreams {
  readonly #context: WorkContext;
  readonly #repositories: Repositories;
  readonly #changeStore: ChangeStore;
  readonly #news: Pick<News, "baseMoved">;
  readonly #remotes: Remotes;
  /** Names for which a repository of another host is being added, with its credential. */
  readonly #adding = new Set<string>();
  /** One fetch of a repository at a time. */
  readonly #queues = new Map<string, SerialQueue>();

  constructor({ context, repositories, changeStore, news, remotes }: UpstreamsDeps) {
    this.#news = news;
    this.#changeStore = changeStore;
    this.#context = context;
    this.#repositories = repositories;
    this.#remotes = remotes;
  }

  /** Adds a repository from an exported folder. Leaves nothing behind if it fails. */
  async add(
    name: string,
    { folder, nonce }: { folder: string; nonce: string },
    settings: Partial<RepoSettings>,
    follow: Follow & { by?: string } = {},
  ): Promise<Repo> {
    const upstream = { kind: "folder" as const, folder, nonce, owner: await ownerOf(this.#context.git, folder, nonce) };
    return this.#add(name, upstream, settings, follow);
  }

  /** Adds a repository from another host, with its credential. Leaves nothing behind if it fails. */
  async addRemote(
    name: string,
    remote: NewLogin,
    settings: Partial<RepoSettings>,
    follow: Follow & { by?: string } = {},
  ): Promise<Repo> {
    this.#checkNew(name);
    this.#adding.add(name);
    try {
      return await this.#addRemote(name, remote, settings, follow);
    } finally {
      this.#adding.delete(name);
    }
  }

  /** Throws if there is a repository of a name, or one is being added. */
  #checkNew(name: string): void {
    this.#repositories.checkFree(name);
    if (this.#adding.has(name)) throw new HiveError("conflict", `the repository ${name} is being added: wait for it`);
  }

  async #addRemote(
    name: string,
    { token, key, isOwnKey, forgeToken: ownForgeToken, ...remote }: NewLogin,
    settings: Partial<RepoSettings>,
    follow: Follow & { by?: string },
  ): Promise<Repo> {
    const { credentials, forgeCredentials } = this.#context;
    const forge = settings.forge ?? this.#context.declared.settingsOf(name)?.forge ?? "none";
    if (ownForgeToken !== undefined && forge === "none")
      throw new HiveError("bad_request", "a token for pull requests needs --forge, which names the program of the host");
    const upstream = await this.#remotes.describe(remote);
    const credential = isOwnKey
      ? await ownKey(credentials, name, remote.address)
      : await credentialOf(remote.address, { token, key });
    // A daemon that ended while it added a repository of this name may have left one.
    if (credential === undefined) await credentials.remove(name);
    else await credentials.keep(name, credential);
    const forForge = forgeToken({ token: ownForgeToken });
    if (forForge === undefined) await forgeCredentials.remove(name);
    else await forgeCredentials.keep(name, forForge);
    try {
      return await this.#add(name, upstream, settings, follow);
    } catch (error) {
      // The host may not know the hive's own key yet: the next try has the same.
      if (isOwnKey && credential) await credentials.keep(name, credential);
      else await credentials.remove(name);
      await forgeCredentials.remove(name);
      throw error;
    }
  }

  /** The public half of the key that the hive has for an address that is to be added; made if there is none. */
  async ownKey(name: string, address: string): Promise<string> {
    this.#checkNew(name);
    return (await ownKey(this.#context.credentials, name, address)).public_key;
  }

  /** The host key that a host shows now, and the one that was confirmed for a repository. */
  async hostKey(
    place: { name: string } | { address: string; private: boolean },
    fingerprint: string | undefined,
    signal: AbortSignal,
  ): Promise<{ key: HostKey; known?: HostKey }> {
    if (!("name" in place)) return { key: await this.#remotes.hostKey(place, fingerprint, signal) };
    const upstream = this.#sshUpstream(place.name);
    const key = await this.#remotes.hostKey(upstream, fingerprint, signal);
    return { key, ...(upstream.hostKey === undefined ? {} : { known: upstream.hostKey }) };
  }

  /** Confirms another host key for the host that a repository follows. */
  async trust(name: string, hostKey: HostKey, by: string): Promise<void> {
    const upstream = this.#sshUpstream(name);
    const detail = { host_key: hostKey.fingerprint, before: upstream.hostKey?.fingerprint };
    await this.#repositories.set(name, { upstream: { ...upstream, hostKey } }, { kind: "repo_trusted", by, detail });
  }

  #sshUpstream(name: string): RemoteUpstream {
    const { upstream } = this.#repositories.get(name);
    if (upstream?.kind === "remote" && upstream.hostKey !== undefined) return upstream;
    throw new HiveError("conflict", `${name} follows no host over ssh: only that has a host key`);
  }

  /** Keeps another credential for the host of a repository, or for the API of its forge. Without one it is removed. */
  async logIn(name: string, { forge, ...login }: Login & { forge: boolean }, by: string): Promise<void> {
    const { store, now } = this.#context;
    const credentials = forge ? this.#context.forgeCredentials : this.#context.credentials;
    const repo = this.#repositories.get(name);
    if (repo.upstream?.kind !== "remote")
      throw new HiveError(
        "conflict",
        `${name} follows no other host, so it needs no credential: only one that was added from an address has one`,
      );
    const credential = forge ? forgeToken(login) : await credentialOf(repo.upstream.address, login);
    if (credential === undefined) await credentials.remove(name);
    else await credentials.keep(name, credential);
    const kind = credential === undefined ? "repo_logged_out" : "repo_logged_in";
    const detail = { repo: name, ...(forge ? { for: "pull requests" } : {}) };
    await store.write(() => store.ledger.audit(store.nextSeq(), { at: now(), actor: by, kind, detail }));
    this.#repositories.changed(name);
  }

  async #add(name: string, upstream: Upstream, settings: Partial<RepoSettings>, follow: Follow & { by?: string }): Promise<Repo> {
    const where = placeOf(upstream);
    follow.report?.("reading branches");
    const source = this.#remotes.source(name, upstream);
    const refs = await source.list(follow.signal);
    if (refs.heads.size === 0) throw new HiveError("bad_request", `${where} has no branch with a commit: commit something first`);
    const base =
      settings.base ?? this.#context.declared.settingsOf(name)?.base ?? refs.head ?? [...refs.heads.keys()][0] ?? "main";
    if (!refs.heads.has(base))
      throw new HiveError(
        "bad_request",
        `${where} has no branch ${base}: it has ${[...refs.heads.keys()].slice(0, 10).join(", ")}`,
      );
    const repo = await this.#repositories.create(name, { ...settings, base }, upstream, follow.by);
    try {
      await this.#take(repo, source, refs, follow);
      if (upstream.kind === "remote") await this.#repositories.setFetched(name, undefined);
      await this.#repositories.measure(name);
      return this.#repositories.get(name);
    } catch (error) {
      await this.#repositories.remove(name, follow.by);
      throw error;
    }
  }

  /**
   * Fetches, and moves each base forward that its upstream contains. A `nonce` replaces the known one if the folder has it.
   */
  fetch(name: string, options: Follow & { nonce?: string | undefined; by?: string } = {}): Promise<Fetched> {
    return this.fetchThen(name, options, (fetched) => Promise.resolve(fetched));
  }

  /** Fetches, then does something before the next fetch of this repository begins. */
  fetchThen<T>(
    name: string,
    { nonce, by, ...follow }: Follow & { nonce?: string | undefined; by?: string | undefined },
    act: (fetched: Fetched) => Promise<T>,
  ): Promise<T> {
    return this.#queue(name).run(async () => {
      const repo = this.#repositories.get(name);
      if (!repo.upstream)
        throw new HiveError("conflict", `the repository ${name} follows no folder and no other host: it has no upstream`);
      return act(
        repo.upstream.kind === "folder"
          ? await this.#fetchFolder(repo, repo.upstream, { nonce, by, ...follow })
          : await this.#fetchRemote(repo, repo.upstream, follow),
      );
    });
  }

  async #fetchFolder(
    repo: Repo,
    known: FolderUpstream,
    { nonce, by, ...follow }: Follow & { nonce?: string | undefined; by?: string | undefined },
  ): Promise<Fetched> {
    const upstream = { ...known, nonce: nonce ?? known.nonce };
    const source = this.#remotes.source(repo.name, upstream);
    const refs = await source.list();
    if (upstream.nonce !== known.nonce)
      await this.#repositories.set(repo.name, { upstream }, { kind: "repo_exported", ...(by === undefined ? {} : { by }) });
    return this.#take(repo, source, refs, follow);
  }

  async #fetchRemote(repo: Repo, upstream: Upstream, follow: Follow): Promise<Fetched> {
    try {
      const source = this.#remotes.source(repo.name, upstream);
      const fetched = await this.#take(repo, source, await source.list(follow.signal), follow);
      await this.#repositories.setFetched(repo.name, undefined);
      return fetched;
    } catch (error) {
      // It was not the host's fault if the caller has ended it.
      if (error instanceof HiveError && follow.signal?.aborted !== true)
        await this.#repositories.setFetched(repo.name, error.message);
      throw error;
    }
  }

  /** The tip of a branch of the upstream, as last fetched. */
  tip(name: string, branch: string): Promise<Sha | undefined> {
    return readRef(this.#repositories.folder(name), UPSTREAM + branch);
  }

  #queue(name: string): SerialQueue {
    const queue = this.#queues.get(name) ?? new SerialQueue();
    this.#queues.set(name, queue);
    return queue;
  }

  /**
   * Notes that a branch of an upstream is at a commit now, which a push of the hive has moved there. Waits for a fetch
   * that runs.
   */
  pushed(name: string, branch: string, sha: Sha): Promise<void> {
    return this.#queue(name).run(async () => {
      const folder = this.#repositories.folder(name);
      await moveRef(folder, UPSTREAM + branch, sha, await readRef(folder, UPSTREAM + branch));
    });
  }

  #take(repo: Repo, source: HistorySource, refs: UpstreamRefs, follow: Follow): Promise<Fetched> {
    return this.#repositories.uses.during(repo.name, () => this.#copy(repo, source, refs, follow), follow.signal);
  }

  async #copy(repo: Repo, source: HistorySource, refs: UpstreamRefs, { signal, report }: Follow): Promise<Fetched> {
    const folder = this.#repositories.folder(repo.name);
    const known = await upstreamRefs(folder);
    const tips = this.#repositories.tips(repo.name);
    const haves = [...new Set([...known.values(), ...tips.values()])];
    const isKnown = new Set([...haves, ...this.#repositories.tags(repo.name).values()]);
    const wants = [...new Set([...refs.heads.values(), ...refs.tags.values()])].filter((sha) => !isKnown.has(sha));
    if (wants.length > 0) {
      const { git } = this.#context;
      await copyHistory(
        git,
        repo.name,
        source,
        { wants, haves },
        {
          signal,
          report: (bytes) => report?.(`copying ${(bytes / MIB).toFixed(1)} MiB`),
        },
      );
    }
    // A folder says what its refs name; another host may say anything that it has not said before.
    const mayLie = repo.upstream?.kind === "remote" && !this.#isAllKnown(repo.name, refs, known);
    const tags = mayLie ? await checkCommits(this.#context.git, repo.name, source.where, refs) : refs.tags;
    const steps = await this.#compare(repo, refs.heads, known);
    // Before the branches are noted: a daemon that ends in between would take what was taken back for what is to be pushed.
    for (const base of steps.diverged) await this.#repositories.setDiverged(repo.name, base, true);
    for (const [branch, sha] of refs.heads)
      if (known.get(branch) !== sha) await moveRef(folder, UPSTREAM + branch, sha, known.get(branch));
    await this.#repositories.setTags(repo.name, tags);
    const fetched = await this.#moveBases(repo.name, steps);
    for (const [branch, sha] of known) if (!refs.heads.has(branch)) fetched.gone.push(await this.#removeGone(repo, branch, sha));
    return fetched;
  }

  /** True if every branch and every tag is where the last fetch found it. */
  #isAllKnown(name: string, { heads, tags }: UpstreamRefs, known: ReadonlyMap<string, Sha>): boolean {
    const knownTags = this.#repositories.tags(name);
    return (
      [...heads].every(([branch, sha]) => known.get(branch) === sha) &&
      [...tags].every(([tag, sha]) => knownTags.get(tag) === sha)
    );
  }

  /**
   * A branch is gone upstream: its changes become stale. The base goes too, unless it has commits that were never
   * upstream, or is the repository's own base: then its queue stops, and nothing is lost.
   */
  async #removeGone(repo: Repo, base: string, known: Sha): Promise<string> {
    const { store } = this.#context;
    await removeRef(this.#repositories.folder(repo.name), UPSTREAM + base);
    const reason = `the branch ${base} is gone from what ${repo.name} follows`;
    if (base === repo.settings.base || this.#repositories.tip(repo.name, base) !== known)
      await this.#repositories.hold(repo.name, base, { by: "system", reason });
    else await this.#repositories.removeBase(repo.name, base);
    const rows = store.changes.open().filter((row) => row.repo === repo.name && row.base === base && !isBeingMerged(row.state));
    await store.write((tx) => {
      for (const row of rows) this.#changeStore.move(tx, row.id, "orphan", SYSTEM, { reason });
    });
    return base;
  }

  /**
   * Compares bases with the branches of the upstream. A base with commits of its own and others upstream has diverged. So
   * has one that another host has moved back: a merge would bring back there what was taken out.
   */
  async #compare(repo: Repo, heads: ReadonlyMap<string, Sha>, known: ReadonlyMap<string, Sha>): Promise<Steps> {
    const steps: Steps = { forward: [], diverged: [] };
    for (const [base, to] of heads) {
      const from = this.#repositories.tip(repo.name, base);
      if (from === to) continue;
      if (from === undefined || (await isContained(this.#context.git, repo.name, from, to)))
        steps.forward.push({ base, from, to });
      else if (
        !(await isContained(this.#context.git, repo.name, to, from)) ||
        (await this.#isTakenBack(repo, base, known.get(base), to))
      )
        steps.diverged.push(base);
    }
    return steps;
  }

  /** Moves bases forward, and lets the queues of those go on that have diverged no longer. Diverged ones are held. */
  async #moveBases(name: string, { forward, diverged }: Steps): Promise<Fetched> {
    const fetched: Fetched = { moved: [], diverged, gone: [] };
    for (const { base, from, to } of forward) {
      if (!(await this.#repositories.moveBase(name, base, to, from, { actor: SYSTEM, by: "upstream" }))) continue;
      this.#news.baseMoved(name, base, to);
      fetched.moved.push({ base, ...(from === undefined ? {} : { from }), to });
    }
    for (const [base, hold] of Object.entries(this.#repositories.get(name).holds))
      if (hold.diverged && !diverged.includes(base)) await this.#repositories.setDiverged(name, base, false);
    return fetched;
  }

  /** True if another host has moved a branch back, now or before, and the operator has not decided about it. */
  async #isTakenBack(repo: Repo, base: string, known: Sha | undefined, now: Sha): Promise<boolean> {
    if (repo.upstream?.kind !== "remote" || known === undefined) return false;
    if (!(await isContained(this.#context.git, repo.name, known, now))) return true;
    // It stands, or has gone forward again without what was taken out.
    return this.#repositories.get(repo.name).holds[base]?.diverged === true;
  }
}

const UPSTREAM = "refs/upstream/";

/** What a fetch does to the bases. */
interface Steps {
  forward: { base: string; from: Sha | undefined; to: Sha }[];
  diverged: string[];
}

/** The branches of the upstream as last fetched. */
async function upstreamRefs(folder: string): Promise<Map<string, Sha>> {
  const refs = await refObjects(folder, UPSTREAM);
  return new Map([...refs].map(([ref, sha]) => [ref.slice(UPSTREAM.length), sha]));
}

async function ownerOf(git: GitWorker, folder: string, nonce: string): Promise<FolderUpstream["owner"]> {
  try {
    const owner = await git.ownerOf(folder, nonce);
    if ("code" in owner) throw refusal(folder, owner.code, "");
    return owner;
  } catch (error) {
    if (error instanceof HiveError) throw error;
    throw new HiveError("bad_request", `${folder} is not a folder that the hive can see: ${hivectl("repo add --help")}`, {
      cause: error,
    });
  }
}
