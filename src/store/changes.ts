import { CHANGE_STATES, isBeingMerged, isChangeOver, type ChangeState } from "../wire/change-states.ts";
import { changeUsageQueries } from "./change-usage.ts";
import type { Sqlite } from "./database.ts";
import { rowsWithin } from "./rows-within.ts";

/** A change as it is stored. The row is the authority; refs are derived from it. */
export interface ChangeRecord {
  id: number;
  seq: number;
  repo: string;
  /** The agent's id; `operator` for a revert. */
  agent: string;
  agent_name: string;
  branch: string;
  base: string;
  round: number;
  state: ChangeState;
  title: string;
  body: string;
  /** The proposed commit. `refs/changes/<id>/<round>` pins it. */
  sha: string;
  /** The commit of the base that the proposal starts from; null if they share none. */
  merge_base: string | null;
  /** Binds an approval to (repository, base, commit, diff). */
  digest: string;
  /** JSON. */
  stat: string;
  /** JSON. */
  marks: string;
  proposed_at: number;
  updated_at: number;
  decided_by: string | null;
  decided_at: number | null;
  /** The commit that the operator last decided on. */
  reviewed_sha: string | null;
  note: string | null;
  reason: string | null;
  /** The order in its queue: the time, or a smaller number for one that was moved to the front. */
  queued_at: number | null;
  /** The commit that the queue is about to make the base, and the tip that it was made on. */
  candidate: string | null;
  candidate_base: string | null;
  merged_sha: string | null;
  /** 1 if a check has left a log. */
  has_log: number;
  /** JSON: the check of this round before the decision. */
  early_check: string | null;
  /** Rounds since someone else last decided on a change of the same agent. */
  undecided: number;
}

/** The ref that pins the proposed commit of a change. */
export const pinOf = ({ id, round }: Pick<ChangeRecord, "id" | "round">): string => `refs/changes/${id}/${round}`;

const NAMES: (keyof ChangeRecord)[] = [
  "id",
  "seq",
  "repo",
  "agent",
  "agent_name",
  "branch",
  "base",
  "round",
  "state",
  "title",
  "body",
  "sha",
  "merge_base",
  "digest",
  "stat",
  "marks",
  "proposed_at",
  "updated_at",
  "decided_by",
  "decided_at",
  "reviewed_sha",
  "note",
  "reason",
  "queued_at",
  "candidate",
  "candidate_base",
  "merged_sha",
  "has_log",
  "early_check",
  "undecided",
];
const stateIn = (states: readonly ChangeState[]): string => `state IN (${states.map((one) => `'${one}'`).join(", ")})`;
// The condition of the index, word for word.
const OPEN = `state NOT IN (${CHANGE_STATES.filter(isChangeOver)
  .map((one) => `'${one}'`)
  .join(", ")})`;
const MERGING = stateIn(CHANGE_STATES.filter(isBeingMerged));

const charsOf = ({ title, body, note, reason, marks, early_check: check }: ChangeRecord): number =>
  title.length + body.length + (note?.length ?? 0) + (reason?.length ?? 0) + marks.length + (check?.length ?? 0);

export interface CommentRecord {
  id: number;
  change: number;
  round: number;
  author: string;
  path: string | null;
  line: number | null;
  side: "new" | "old" | null;
  quote: string | null;
  text: string;
  state: "draft" | "open" | "resolved";
  outdated: number;
  answer: string | null;
  at: number;
}

/** Queries on changes and their comments. */
/** Changes of an agent among which its last merges are looked for: a workspace that lags further behind shows its lines. */
const MAX_OWN_CHANGES = 50;

export function changeQueries(db: Sqlite) {
  const insert = db.prepare<ChangeRecord>(
    `INSERT INTO changes (${NAMES.join(", ")}) VALUES (${NAMES.map((name) => `@${name}`).join(", ")})`,
  );
  const update = db.prepare<ChangeRecord>(
    `UPDATE changes SET ${NAMES.filter((name) => name !== "id")
      .map((name) => `${name} = @${name}`)
      .join(", ")} WHERE id = @id`,
  );
  const byId = db.prepare<[number], ChangeRecord>("SELECT * FROM changes WHERE id = ?");
  const open = db.prepare<[], ChangeRecord>(`SELECT * FROM changes WHERE ${OPEN} ORDER BY id`);
  const openOf = db
    .prepare<[string], number>(`SELECT id FROM changes INDEXED BY changes_by_agent WHERE agent = ? AND ${OPEN} ORDER BY id`)
    .pluck();
  const openIn = db.prepare<[string], { id: number; agent: string }>(
    `SELECT id, agent FROM changes WHERE ${OPEN} AND repo = ? ORDER BY id`,
  );
  const queued = db.prepare<[string, string], ChangeRecord>(
    `SELECT * FROM changes WHERE ${OPEN} AND state = 'queued' AND repo = ? AND base = ? ORDER BY queued_at, id`,
  );
  const merging = db.prepare<[], ChangeRecord>(`SELECT * FROM changes WHERE ${MERGING} ORDER BY id`);
  const newest = db.prepare<{ repos: string | null; agent: string | null; before: number }, ChangeRecord>(
    `SELECT * FROM changes WHERE (@repos IS NULL OR repo IN (SELECT value FROM json_each(@repos)))
       AND (@agent IS NULL OR agent_name = @agent) AND id < @before ORDER BY id DESC`,
  );
  const merged = db.prepare<[string, number], ChangeRecord>(
    "SELECT * FROM changes WHERE repo = ? AND state = 'merged' ORDER BY seq DESC LIMIT ?",
  );
  const isMerged = db.prepare<{ agent: string; repo: string; base: string; commit: string; among: number }, { id: number }>(
    `SELECT id FROM (SELECT id, repo, base, sha, state FROM changes WHERE agent = @agent ORDER BY id DESC LIMIT @among)
     WHERE repo = @repo AND base = @base AND sha = @commit AND state = 'merged' LIMIT 1`,
  );
  const after = db.prepare<[number, number], ChangeRecord>("SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?");
  const all = db.prepare<[], ChangeRecord>("SELECT * FROM changes ORDER BY id");
  const undecided = db.prepare<[string], { n: number | null }>(
    "SELECT sum(undecided) AS n FROM changes WHERE agent = ? AND undecided > 0",
  );
  const decided = db.prepare<[string]>("UPDATE changes SET undecided = 0 WHERE agent = ? AND undecided > 0");
  const removeOf = db.prepare<[string]>("DELETE FROM changes WHERE repo = ?");
  const putComment = db.prepare<CommentRecord>(
    `INSERT INTO change_comments (id, change, round, author, path, line, side, quote, text, state, outdated, answer, at)
       VALUES (@id, @change, @round, @author, @path, @line, @side, @quote, @text, @state, @outdated, @answer, @at)
     ON CONFLICT (id) DO UPDATE SET text = excluded.text, state = excluded.state, outdated = excluded.outdated,
       answer = excluded.answer`,
  );
  const comment = db.prepare<[number], CommentRecord>("SELECT * FROM change_comments WHERE id = ?");
  const comments = db.prepare<[number], CommentRecord>("SELECT * FROM change_comments WHERE change = ? ORDER BY id");
  const commentsSize = db.prepare<[number], { count: number; bytes: number }>(
    `SELECT count(*) AS count, total(octet_length(text) + coalesce(octet_length(path), 0) + coalesce(octet_length(quote), 0)
       + coalesce(octet_length(answer), 0)) AS bytes FROM change_comments WHERE change = ?`,
  );
  const removeComment = db.prepare<[number]>("DELETE FROM change_comments WHERE id = ?");
  const removeCommentsOf = db.prepare<[string]>(
    "DELETE FROM change_comments WHERE change IN (SELECT id FROM changes WHERE repo = ?)",
  );
  const usage = changeUsageQueries(db);
  return {
    insert(row: ChangeRecord): void {
      insert.run(row);
      usage.begin(row);
    },
    update(row: ChangeRecord): void {
      update.run(row);
      if (isChangeOver(row.state)) usage.end(row);
    },
    /** What changes have cost. */
    usage: usage.list,
    /** What one change has spent, but for the turn that runs. */
    spent: usage.spent,
    /** Counts an answer outside of a turn for its agent's changes. Only inside a write. */
    spendOutside: usage.spendOutside,
    /** The changes of an agent that have not ended, oldest first. */
    openOf: (agent: string): number[] => openOf.all(agent),
    /** The changes of a repository that have not ended, with their agents, oldest first. */
    openIn: (repo: string): { id: number; agent: string }[] => openIn.all(repo),
    byId: (id: number) => byId.get(id),
    /** Changes that have not ended, oldest first. */
    open: () => open.all(),
    /** The queue of a base, in its order. */
    queued: (repo: string, base: string) => queued.all(repo, base),
    /** The changes that queues work on. */
    merging: () => merging.all(),
    /** Newest first, read one by one. */
    newest: (filter: { repos?: readonly string[] | undefined; agent?: string | undefined; before: number }) =>
      newest.iterate({
        repos: filter.repos ? JSON.stringify(filter.repos) : null,
        agent: filter.agent ?? null,
        before: filter.before,
      }),
    /** The last merges of a repository, newest first. */
    merged: (repo: string, limit: number) => merged.all(repo, limit),
    /** Whether this commit of an agent was merged into a base, by one of its last changes. */
    isMerged: (one: { agent: string; repo: string; base: string; commit: string }): boolean =>
      isMerged.get({ ...one, among: MAX_OWN_CHANGES }) !== undefined,
    /** Changes changed after a position, in the order of their changes; undefined if their text is over `chars`. */
    after: (seq: number, limit: number, chars: number) => rowsWithin(after.iterate(seq, limit), chars, charsOf),
    /** Every change ever made; for the checker. */
    all: () => all.all(),
    /** The rounds of an agent since someone else last decided on one of its changes. */
    undecided: (agent: string): number => undecided.get(agent)?.n ?? 0,
    /** Someone has decided on a change of this agent. */
    decided: (agent: string): void => void decided.run(agent),
    /** Removes the changes of a repository with their comments. */
    removeOf(repo: string): void {
      removeCommentsOf.run(repo);
      usage.removeOf(repo);
      removeOf.run(repo);
    },
    putComment: (row: CommentRecord): void => void putComment.run(row),
    comment: (id: number) => comment.get(id),
    comments: (change: number) => comments.all(change),
    /** Number of comments of a change, and bytes of UTF-8 of all their texts. */
    commentsSize: (change: number) => commentsSize.get(change) ?? { count: 0, bytes: 0 },
    removeComment: (id: number): void => void removeComment.run(id),
  };
}
