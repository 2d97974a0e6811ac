import type { ChangeState } from "../wire/change-states.ts";
import type { Sqlite } from "./database.ts";

/** What the turns have used from the first push of a change's branch to the change's end. */
export interface ChangeUsage {
  change: number;
  repo: string;
  title: string;
  /** The agent's id. */
  agent: string;
  state: ChangeState;
  turns: number;
  tokens: number;
  /** US dollars of the turns that have a price. */
  costUsd: number;
  /** Turns that used a model without a price. */
  unpriced: number;
}

/** What the ended turns of a change count in budgets, and its agent's answers outside of turns. */
export interface ChangeSpent {
  /** The agent's id. */
  agent: string;
  /** US dollars, with a price for each answer. */
  costUsd: number;
  output: number;
  /** Tokens of input that no cache has served. */
  input: number;
}

/** Later than every turn. */
const OPEN_END = Number.MAX_SAFE_INTEGER;

/**
 * When work on a change began and ended, and what its agent's turns have used in between. A turn belongs to a change if
 * it ended in that time, so a turn that two changes share counts for both.
 */
export function changeUsageQueries(db: Sqlite) {
  const begin = db.prepare<{ change: number; repo: string; agent: string; branch: string; at: number }>(
    `INSERT INTO change_spans (change, began_at, ended_at) VALUES (@change, coalesce(
       (SELECT first_pushed_at FROM branches WHERE repo = @repo AND agent = @agent AND branch = @branch), @at), NULL)`,
  );
  const end = db.prepare<[number, number]>("UPDATE change_spans SET ended_at = ? WHERE change = ? AND ended_at IS NULL");
  // The next push to the branch begins other work.
  const forget = db.prepare<[string, string, string]>(
    "UPDATE branches SET first_pushed_at = NULL WHERE repo = ? AND agent = ? AND branch = ?",
  );
  const removeOf = db.prepare<[string]>("DELETE FROM change_spans WHERE change IN (SELECT id FROM changes WHERE repo = ?)");
  const list = db.prepare<{ since: number; limit: number }, ChangeUsage>(
    `WITH newest AS (
       SELECT change, began_at, coalesce(ended_at, ${OPEN_END}) AS until FROM change_spans
       WHERE coalesce(ended_at, ${OPEN_END}) >= @since ORDER BY change DESC LIMIT @limit)
     SELECT changes.id AS change, repo, title, changes.agent AS agent, state, count(turn) AS turns, total(tokens) AS tokens,
       total(cost_usd) AS costUsd, coalesce(sum(tokens > 0 AND cost_usd IS NULL), 0) AS unpriced
     FROM newest CROSS JOIN changes ON changes.id = newest.change
       LEFT JOIN turns INDEXED BY turns_by_end ON turns.agent = changes.agent AND turns.ended_at BETWEEN began_at AND until
     WHERE changes.agent <> 'operator' GROUP BY changes.id ORDER BY costUsd DESC, tokens DESC, changes.id DESC`,
  );
  const spent = db.prepare<[number], ChangeSpent>(
    `SELECT changes.agent AS agent, total(coalesce(budget_usd, cost_usd)) + outside_usd AS costUsd,
       total(output) + outside_output AS output, total(input) + outside_input AS input
     FROM change_spans CROSS JOIN changes ON changes.id = change_spans.change
       LEFT JOIN turns INDEXED BY turns_by_end
         ON turns.agent = changes.agent AND turns.ended_at BETWEEN began_at AND coalesce(change_spans.ended_at, ${OPEN_END})
     WHERE change = ? GROUP BY changes.id`,
  );
  const spendOutside = db.prepare<{ agent: string; costUsd: number; output: number; input: number }>(
    `UPDATE change_spans SET outside_usd = outside_usd + @costUsd, outside_output = outside_output + @output,
       outside_input = outside_input + @input
     WHERE ended_at IS NULL AND change IN (SELECT id FROM changes INDEXED BY changes_by_agent WHERE agent = @agent)`,
  );
  return {
    /** Counts an answer that came outside of a turn for every open change of its agent. Only inside a write. */
    spendOutside: (agent: string, used: Omit<ChangeSpent, "agent">): void => void spendOutside.run({ agent, ...used }),
    /** What one change has spent, but for the turn that runs. */
    spent: (change: number): ChangeSpent | undefined => spent.get(change),
    /** A change is proposed: its work began with the first push to its branch, or now if that is not known. */
    begin: (row: { id: number; repo: string; agent: string; branch: string; proposed_at: number }): void =>
      void begin.run({ change: row.id, repo: row.repo, agent: row.agent, branch: row.branch, at: row.proposed_at }),
    /** A change has ended; again for one that had. */
    end({ id, repo, agent, branch, updated_at: at }: Ended): void {
      if (end.run(at, id).changes > 0) forget.run(repo, agent, branch);
    },
    removeOf: (repo: string): void => void removeOf.run(repo),
    /** The newest changes that had not ended before `since` (milliseconds), the most expensive first. */
    list: (since: number, limit: number): ChangeUsage[] => list.all({ since, limit }),
  };
}

interface Ended {
  id: number;
  repo: string;
  agent: string;
  branch: string;
  updated_at: number;
}
