import type { Sqlite } from "./database.ts";

/** The pull request of a change as it is stored. */
export interface PullRecord {
  /** The change. It has at most one pull request at a time. */
  change: number;
  repo: string;
  forge: "github" | "forgejo";
  /** The branch of the upstream that it asks to merge. */
  head: string;
  state: "opening" | "open" | "merged" | "closed";
  /** Null until it is known to be open. */
  number: number | null;
  /** The address of its page. Null with the number. */
  url: string | null;
  /** The round of the change that it is for. */
  round: number;
  /** The commit that was last pushed to its branch. Null before the first push. */
  sha: string | null;
  /** The digest of its text there. Null: not known. */
  told: string | null;
  /** What the host's last answer about it was marked with, while it was open. */
  etag: string | null;
  /** Why the last call did not work. Null if it did. */
  failed: string | null;
}

const NAMES: (keyof PullRecord)[] = [
  "change",
  "repo",
  "forge",
  "head",
  "state",
  "number",
  "url",
  "round",
  "sha",
  "told",
  "etag",
  "failed",
];
// The condition of the index, word for word.
const LIVE = "state IN ('opening', 'open')";

/** Queries on pull requests. */
export function pullRequestQueries(db: Sqlite) {
  const put = db.prepare<PullRecord>(
    `INSERT OR REPLACE INTO pull_requests (${NAMES.join(", ")}) VALUES (${NAMES.map((name) => `@${name}`).join(", ")})`,
  );
  const of = db.prepare<[number], PullRecord>("SELECT * FROM pull_requests WHERE change = ?");
  const live = db.prepare<[], PullRecord>(`SELECT * FROM pull_requests WHERE ${LIVE} ORDER BY change`);
  const pushed = db.prepare<[string, string], { sha: string }>(
    "SELECT sha FROM pull_requests WHERE repo = ? AND head = ? AND sha IS NOT NULL ORDER BY change DESC",
  );
  const merged = db.prepare<[string], { change: number }>("SELECT change FROM pull_requests WHERE repo = ? AND state = 'merged'");
  const another = db.prepare<[string, number, number]>(
    "SELECT 1 FROM pull_requests WHERE repo = ? AND number = ? AND change <> ?",
  );
  const removeOf = db.prepare<[string]>("DELETE FROM pull_requests WHERE repo = ?");
  return {
    /** Stores the pull request of a change, in place of the one before. */
    put: (row: PullRecord): void => void put.run(row),
    of: (change: number) => of.get(change),
    /** Those that are open, or about to be. */
    live: () => live.all(),
    /** The commits that were pushed to a branch last, for each of its changes, the newest first. */
    pushedTo: (repo: string, head: string): string[] => pushed.all(repo, head).map(({ sha }) => sha),
    /** True if a number is that of another change's pull request. */
    isOfAnother: ({ change, repo }: Pick<PullRecord, "change" | "repo">, number: number): boolean =>
      another.get(repo, number, change) !== undefined,
    /** The changes of a repository whose pull requests were merged. */
    merged: (repo: string): Set<number> => new Set(merged.all(repo).map(({ change }) => change)),
    /** Removes the pull requests of a repository's changes. The host keeps them. */
    removeOf: (repo: string): void => void removeOf.run(repo),
  };
}
