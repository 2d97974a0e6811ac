import type { DiffFile, Sha, TreeFile } from "../wire/approval.ts";

/**
 * The repositories of a hive, as the deploy state machine sees them. What every method promises:
 *
 * - Only plumbing on bare repositories: no index, no checkout, no hooks, no config of the user's or of the repo's that
 *   could run a program. Argument vectors only.
 * - **Durable before it returns**: objects and refs are on stable storage (`core.fsync=all`, and the folders of refs are
 *   synced), because a row in the database will claim them next.
 * - **Idempotent**: called again with the same arguments after any crash it ends in the same state. Commits are made
 *   from fixed bytes (tree, parents, author, time, message), so the same call makes the same object.
 * - Refs change by compare-and-swap only; a lost race is `{ ok: false }`, not an exception.
 * - What a hostile proposal is refused for is a `RepoRefusal` with words for manager and operator.
 */

/** A proposal, or a repo, that is not taken. The words are for the manager and the operator. */
export class RepoRefusal extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "RepoRefusal";
  }
}

/** Bytes that make a commit the same every time. Times in milliseconds; git keeps seconds. */
export interface CommitFacts {
  message: string;
  author: string;
  at: number;
}

/** How a tag is written: `deployed/42` annotated with a message, `proposal/42` without one is a plain ref. */
export interface TagFacts {
  name: string;
  sha: Sha;
  /** Annotated when present. */
  message?: string;
  at: number;
}

/** Where a proposed repo is, and who owns its files on the host. */
export interface ProposedRepo {
  /** `<state>/proposed/<name>/config` */
  folder: string;
  owner: { uid: number; gid: number };
}

/** One changed file with all of its patch. */
export interface FileChange extends Pick<DiffFile, "path" | "status" | "old_mode" | "new_mode" | "added" | "removed"> {
  /** The bytes of the hunks as git prints them; none where only the mode changes, or the file is empty. */
  hunks: Buffer;
}

/** The applied repository of one agent: bare, written by the daemon only. `main` names what runs. */
export interface AppliedRepo {
  readonly folder: string;
  /** Makes the repository when it is missing. */
  ensure(): Promise<void>;
  /** A commit of this config tree in the object store, named by no ref yet. */
  commit(files: readonly TreeFile[], parents: readonly Sha[], facts: CommitFacts): Promise<Sha>;
  /**
   * Brings one commit of a hostile repository into the object store, with no ref. `upload-pack` runs in a throw-away
   * cage that sees only that repository; what comes is checked (fsck, size, count, paths) in quarantine first.
   * Throws `RepoRefusal`.
   */
  fetch(from: ProposedRepo, sha: Sha): Promise<void>;
  has(sha: Sha): Promise<boolean>;
  treeOf(sha: Sha): Promise<Sha>;
  /** True when `ancestor` is in the history of `sha`, or is it. */
  isAncestor(ancestor: Sha, sha: Sha): Promise<boolean>;
  firstParent(sha: Sha): Promise<Sha | undefined>;
  /** Every file of a commit's tree, checked: no submodules, no links that leave the tree, within the limits. */
  files(sha: Sha): Promise<TreeFile[]>;
  /** The changes from `base` (nothing when undefined) to `head`, whole; with `path` those of one file. */
  diff(base: Sha | undefined, head: Sha, path?: string): Promise<FileChange[]>;
  /** Refs under `refs/heads` and `refs/tags` → object; annotated tags are peeled to their commit. */
  refs(): Promise<Map<string, Sha>>;
  /** Moves `refs/heads/main` from `expected` (undefined: it does not exist) to `next`. */
  moveMain(next: Sha, expected: Sha | undefined): Promise<{ ok: boolean }>;
  /** Makes a tag, or finds it made the same. Throws when one of that name says something else. */
  tag(facts: TagFacts): Promise<void>;
  /** The message of an annotated tag. */
  tagMessage(name: string): Promise<string | undefined>;
  /** What a tag names: the commit, or the tag's own object where it is annotated. */
  tagged(name: string): Promise<Sha | undefined>;
  /** Removes a tag if it is there; only for the projection's own repair. */
  untag(name: string): Promise<void>;
  remove(): Promise<void>;
}

/** One agent's line in the deploy ledger. */
export interface LedgerEntry {
  /** The commit that runs. */
  rev: Sha;
  /** Its tree. */
  tree: Sha;
  /** Revision of hyperhive that it runs with. */
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
  /** A commit that sets (or with undefined removes) one agent's entry on top of `parent`, named by no ref yet. */
  candidate(parent: Sha | undefined, agent: string, entry: LedgerEntry | undefined, facts: CommitFacts): Promise<Sha>;
  /** Moves main from `expected` to `next`. The loser of a race makes a new candidate on the new head. */
  publish(next: Sha, expected: Sha | undefined): Promise<{ ok: boolean }>;
  /** True when main's history holds the commit. */
  contains(sha: Sha): Promise<boolean>;
  /** Subjects, newest first: `deploy <agent> deployed/<id> <sha12>`. */
  log(limit: number): Promise<{ sha: Sha; subject: string; at: number }[]>;
  /** Writes the readers' copy of main beside the repository: write, sync, rename per file. Never read by the daemon. */
  refreshCheckout(): Promise<void>;
}

/** What makes and finds them. */
export interface Repos {
  applied(agent: string): AppliedRepo;
  meta: MetaRepo;
  /**
   * Makes the manager's side of an agent: a repository with this history, the remote `applied` wired
   * (`+refs/tags/*:refs/remotes/applied/refs/tags/*`, no automatic tags), owned by `owner`. Leaves one that is there.
   */
  ensureProposed(agent: string, from: Sha, owner: { uid: number; gid: number }): Promise<ProposedRepo>;
  proposed(agent: string, owner: { uid: number; gid: number }): ProposedRepo;
  removeProposed(agent: string): Promise<void>;
  /**
   * Does something while no applied repository and no ledger changes: what is under way is waited for, what comes waits.
   * The proposed repositories are the manager's and never stand still. Changes asked for by `work` itself would wait for ever.
   */
  still<T>(work: () => Promise<T>): Promise<T>;
}
