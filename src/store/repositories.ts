import type { Sqlite } from "./database.ts";

/** A repository as it is stored. */
export interface RepoRecord {
  name: string;
  /** JSON of `RepoSettings`. */
  settings: string;
  /** The git folder of the host that it follows, its owner, and the content of its export file. Null without one. */
  upstream: string | null;
  upstream_uid: number | null;
  upstream_gid: number | null;
  upstream_nonce: string | null;
  /** JSON of what is kept of an upstream on another host, whose address `upstream` is. Null for a folder. */
  remote: string | null;
  /** JSON of `QueueHolds`: queues that do not run. */
  queues: string;
  /** Bytes of its objects, as last measured. */
  bytes: number;
  created_at: number;
}

/** The last fetch of a repository from another host. */
export interface FetchRecord {
  repo: string;
  /** When it last succeeded; 0: never. */
  at: number;
  /** Why the last one failed. Null if it did not. */
  failed: string | null;
}

/** Why the queue of a base does not run, by the base's name. `diverged`: the base and its upstream have to be reconciled. */
export type QueueHolds = Record<string, { by: "operator" | "system"; reason: string; diverged?: true }>;

/** A branch that an agent has pushed. The ref `refs/agents/<agent>/<branch>` follows this row. */
export interface BranchRecord {
  repo: string;
  /** The agent's id. */
  agent: string;
  branch: string;
  sha: string;
  pushed_at: number;
}

/** Queries on repositories and on the branches of agents. */
export function repositoryQueries(db: Sqlite) {
  const put = db.prepare<RepoRecord>(
    `INSERT INTO repositories (name, settings, upstream, upstream_uid, upstream_gid, upstream_nonce, remote, queues, bytes, created_at)
       VALUES (@name, @settings, @upstream, @upstream_uid, @upstream_gid, @upstream_nonce, @remote, @queues, @bytes, @created_at)
     ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, upstream = excluded.upstream,
       upstream_uid = excluded.upstream_uid, upstream_gid = excluded.upstream_gid,
       upstream_nonce = excluded.upstream_nonce, remote = excluded.remote, queues = excluded.queues, bytes = excluded.bytes`,
  );
  const all = db.prepare<[], RepoRecord>("SELECT * FROM repositories ORDER BY name");
  const putFetch = db.prepare<[string, number, string | null]>(
    `INSERT INTO fetches (repo, at, failed) VALUES (?, ?, ?)
     ON CONFLICT (repo) DO UPDATE SET at = CASE WHEN excluded.failed IS NULL THEN excluded.at ELSE at END,
       failed = excluded.failed`,
  );
  const fetches = db.prepare<[], FetchRecord>("SELECT * FROM fetches");
  const removeFetch = db.prepare<[string]>("DELETE FROM fetches WHERE repo = ?");
  const remove = db.prepare<[string]>("DELETE FROM repositories WHERE name = ?");
  const putBranch = db.prepare<BranchRecord>(
    `INSERT INTO branches (repo, agent, branch, sha, pushed_at, first_pushed_at)
       VALUES (@repo, @agent, @branch, @sha, @pushed_at, @pushed_at)
     ON CONFLICT (repo, agent, branch) DO UPDATE SET sha = excluded.sha, pushed_at = excluded.pushed_at,
       first_pushed_at = coalesce(first_pushed_at, excluded.pushed_at)`,
  );
  const addPushed = db.prepare<[string, string, number]>(
    `INSERT INTO pushed_bytes (agent, repo, bytes) VALUES (?, ?, ?)
     ON CONFLICT (agent, repo) DO UPDATE SET bytes = bytes + excluded.bytes`,
  );
  const setPushed = db.prepare<[number, string, string]>("UPDATE pushed_bytes SET bytes = ? WHERE agent = ? AND repo = ?");
  const pushers = db.prepare<[string], { agent: string }>("SELECT agent FROM pushed_bytes WHERE repo = ?");
  const pushed = db.prepare<[string], { bytes: number | null }>("SELECT sum(bytes) AS bytes FROM pushed_bytes WHERE agent = ?");
  const removePushedTo = db.prepare<[string]>("DELETE FROM pushed_bytes WHERE repo = ?");
  const removePushedBy = db.prepare<[string]>("DELETE FROM pushed_bytes WHERE agent = ?");
  const removeIncludes = db.prepare<[string]>("DELETE FROM include_files WHERE repo = ?");
  const removeBranch = db.prepare<[string, string, string]>("DELETE FROM branches WHERE repo = ? AND agent = ? AND branch = ?");
  const removeBranches = db.prepare<[string]>("DELETE FROM branches WHERE repo = ?");
  const branch = db.prepare<[string, string, string], BranchRecord>(
    "SELECT repo, agent, branch, sha, pushed_at FROM branches WHERE repo = ? AND agent = ? AND branch = ?",
  );
  const branchesOf = db.prepare<[string], BranchRecord>(
    "SELECT repo, agent, branch, sha, pushed_at FROM branches WHERE repo = ? ORDER BY agent, branch",
  );
  const ofAgent = db.prepare<[string], BranchRecord>(
    "SELECT repo, agent, branch, sha, pushed_at FROM branches WHERE agent = ? ORDER BY repo, branch",
  );
  return {
    all: () => all.all(),
    fetches: () => fetches.all(),
    /** Stores how a fetch ended. One that failed leaves the time of the last good one. */
    putFetch: (repo: string, at: number, failed: string | null): void => void putFetch.run(repo, at, failed),
    put: (row: RepoRecord): void => void put.run(row),
    /** Removes a repository with its branches and its included files. */
    remove(name: string): void {
      remove.run(name);
      removeBranches.run(name);
      removePushedTo.run(name);
      removeIncludes.run(name);
      removeFetch.run(name);
    },
    /** Stores the branch of a push. */
    putBranch: (row: BranchRecord): void => void putBranch.run(row),
    removeBranch: (repo: string, agent: string, name: string): void => void removeBranch.run(repo, agent, name),
    /** Counts the bytes of a push, which stay when its branches are removed. */
    addPushed: (agent: string, repo: string, bytes: number): void => void addPushed.run(agent, repo, bytes),
    /** Replaces what an agent has pushed to a repository by what is left of it. */
    setPushed: (agent: string, repo: string, bytes: number): void => void setPushed.run(bytes, agent, repo),
    pushersTo: (repo: string): string[] => pushers.all(repo).map(({ agent }) => agent),
    /** The bytes that an agent has pushed to the repositories of the hive. */
    pushedBytes: (agent: string): number => pushed.get(agent)?.bytes ?? 0,
    forgetPushed: (agent: string): void => void removePushedBy.run(agent),
    branch: (repo: string, agent: string, name: string) => branch.get(repo, agent, name),
    branches: (repo: string) => branchesOf.all(repo),
    branchesOfAgent: (agent: string) => ofAgent.all(agent),
  };
}
