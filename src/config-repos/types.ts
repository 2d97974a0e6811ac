import type { FileChange } from "../os/git/diff.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";

/**
 * The repositories of a hive, as the deploy state machine uses them. Every method guarantees:
 *
 * - Only plumbing on bare repositories: no index, no checkout, no hooks, no config of the user's or the repository's
 *   that could run a program. Argument vectors only.
 * - **Durable before it returns**: objects and refs are on stable storage (`core.fsync=all`, and the folders of refs
 *   are synced), because a database row refers to them next.
 * - **Idempotent**: a repeated call with the same arguments after any crash ends in the same state. Commits are made
 *   from fixed bytes (tree, parents, author, time, message), so the same call creates the same object.
 * - Refs change by compare-and-swap only. A lost race is `{ ok: false }`, not an exception.
 * - A hostile proposal is refused with a `RepoRefusal` for the manager and the operator.
 */

export type { FileChange } from "../os/git/diff.ts";

/** A proposal or repository that is refused. The message is for the manager and the operator. */
export class RepoRefusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RepoRefusal";
  }
}

/** The facts that determine a commit's bytes. Times in milliseconds; git keeps seconds. */
export interface CommitFacts {
  message: string;
  author: string;
  at: number;
}

/**
 * A tag to write: with a message it is annotated, like `deployed/42`; without one it is a plain ref, like
 * `proposal/42`.
 */
export interface TagFacts {
  name: string;
  sha: Sha;
  /** Annotated if present. */
  message?: string;
  at: number;
}

/** Where a proposed repository is, and the owner of its files on the host. */
export interface ProposedRepo {
  /** `<state>/proposed/<name>/config` */
  folder: string;
  owner: { uid: number; gid: number };
}

/** The applied repository of one agent: bare, written only by the daemon. `main` is the running commit. */
export interface AppliedRepo {
  readonly folder: string;
  /** Creates the repository if it is missing. */
  ensure(): Promise<void>;
  /** Stores a commit of this config tree, without a ref. */
  commit(files: readonly TreeFile[], parents: readonly Sha[], facts: CommitFacts): Promise<Sha>;
  /**
   * Copies one commit of a hostile repository into the object store, without a ref. Git reads the foreign repository in
   * a sandbox that sees nothing else. The objects are checked (fsck, size, count, paths) in quarantine first.
   * Throws `RepoRefusal`.
   */
  fetch(from: ProposedRepo, sha: Sha): Promise<void>;
  has(sha: Sha): Promise<boolean>;
  treeOf(sha: Sha): Promise<Sha>;
  /** True if `ancestor` is in the history of `sha`, or equal to it. */
  isAncestor(ancestor: Sha, sha: Sha): Promise<boolean>;
  firstParent(sha: Sha): Promise<Sha | undefined>;
  /** Every file of a commit's tree, checked: no submodules, no links that leave the tree, within the limits. */
  files(sha: Sha): Promise<TreeFile[]>;
  /** The same, read anew: what the repository contains now, even if it was damaged. */
  filesOnDisk(sha: Sha): Promise<TreeFile[]>;
  /** The changes from `base` (nothing if undefined) to `head`, complete; with `path` only those of one file. */
  diff(base: Sha | undefined, head: Sha, path?: string): Promise<FileChange[]>;
  /** Refs under `refs/heads` and `refs/tags` → object. Annotated tags are peeled to their commit. */
  refs(): Promise<Map<string, Sha>>;
  /** Moves `refs/heads/main` from `expected` (undefined: it does not exist) to `next`. */
  moveMain(next: Sha, expected: Sha | undefined): Promise<{ ok: boolean }>;
  /** Creates a tag unless it exists with the same content. Throws if the name has other content. */
  tag(facts: TagFacts): Promise<void>;
  /** The message of an annotated tag. */
  tagMessage(name: string): Promise<string | undefined>;
  /** The object that a tag names: the commit, or the tag object if it is annotated. */
  tagged(name: string): Promise<Sha | undefined>;
  /** Removes a tag if it exists. Only for repairing the tags from the database. */
  untag(name: string): Promise<void>;
  remove(): Promise<void>;
}

/** One agent's entry in the deploy ledger. */
export interface LedgerEntry {
  /** The running commit. */
  rev: Sha;
  /** Its tree. */
  tree: Sha;
  /** The revision of hyperhive that it runs with. */
  hyperhive: string;
}

/** `hive.lock`: what is locked for every agent, by name. */
export type Ledger = Record<string, LedgerEntry>;

/** The deploy ledger: one commit per successful deploy. On bwrap a repository with `hive.lock`; on NixOS a flake. */
export interface MetaRepo {
  readonly folder: string;
  ensure(): Promise<void>;
  head(): Promise<Sha | undefined>;
  /** The ledger at a commit; empty before the first. */
  ledger(at: Sha | undefined): Promise<Ledger>;
  /** A file that the platform adds to the ledger, at a commit. Undefined if that commit has none. */
  file(at: Sha | undefined, path: string): Promise<string | undefined>;
  /** A commit on top of `parent` that sets one agent's entry (or removes it if undefined), without a ref. Ends with `signal`. */
  candidate(
    parent: Sha | undefined,
    agent: string,
    entry: LedgerEntry | undefined,
    facts: CommitFacts,
    signal?: AbortSignal,
  ): Promise<Sha>;
  /** Moves main from `expected` to `next`. The loser of a race must create a new candidate on the new head. */
  publish(next: Sha, expected: Sha | undefined): Promise<{ ok: boolean }>;
  /** True if main's history contains the commit. */
  contains(sha: Sha): Promise<boolean>;
  /** Subjects, newest first: `deploy <agent> deployed/<id> <sha12>`. */
  log(limit: number): Promise<{ sha: Sha; subject: string; at: number }[]>;
  /** Writes the readers' checkout of main: write, sync, rename per file. The daemon never reads it. */
  refreshCheckout(): Promise<void>;
}

/**
 * The folders of a hive's repositories: the manager's three bind mounts, and a scratch folder on the same file system.
 */
export interface RepoPaths {
  proposed: string;
  applied: string;
  meta: string;
  scratch: string;
}

/** Opens and creates the repositories. */
export interface Repos {
  applied(agent: string): AppliedRepo;
  meta: MetaRepo;
  /** The ledger of another platform on the same repository, for candidates that nothing publishes. */
  candidatesOf(ledger: (paths: RepoPaths) => MetaRepo): Pick<MetaRepo, "candidate">;
  /**
   * Creates the manager's side of an agent: a repository with this history, the remote `applied` configured
   * (`+refs/tags/*:refs/remotes/applied/refs/tags/*`, no automatic tags), owned by `owner`. Keeps an existing one.
   */
  ensureProposed(agent: string, from: Sha, owner: { uid: number; gid: number }): Promise<ProposedRepo>;
  proposed(agent: string, owner: { uid: number; gid: number }): ProposedRepo;
  removeProposed(agent: string): Promise<void>;
  /**
   * Runs work while no applied repository and no ledger changes: waits for running changes and makes later ones wait.
   * Proposed repositories belong to the manager and may still change. `work` must not make changes itself: they would
   * wait forever.
   */
  still<T>(work: () => Promise<T>): Promise<T>;
}
