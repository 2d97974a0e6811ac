import type { Sqlite } from "./database.ts";

/** One metered answer of the model. */
export interface UsageRecord {
  agent: string;
  /** The operator's day, `2026-11-24`. */
  day: string;
  model: string;
  /** The name of the credential. */
  credential: string;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** US dollars; undefined for a model without a price. */
  costUsd: number | undefined;
  /** What it counts in budgets. US dollars. */
  budgetUsd: number;
}

/** The sum of several answers. */
export interface UsageSum {
  requests: number;
  input: number;
  output: number;
  cacheRead: number;
  cacheWrite: number;
  /** US dollars of the priced requests. */
  costUsd: number;
  /** Requests to models without a price. */
  unpriced: number;
}

/** An agent's usage of one model with one credential on one day. */
export interface UsageLine extends UsageSum {
  agent: string;
  day: string;
  model: string;
  credential: string;
}

/** Usage summed over days, agents, models or credentials: it has the keys that it was summed by. */
export interface UsageGroup extends UsageSum {
  day?: string;
  agent?: string;
  model?: string;
  credential?: string;
}

/** What is summed: whose, of which days, and by what. */
export interface UsageQuery {
  by: readonly (typeof USAGE_COLUMNS)[number][];
  /** The first and the last day. */
  since: string;
  until: string;
  agent?: string | undefined;
}

interface SpentOn {
  day: string;
  agent: string | null;
  credential: string | null;
}

/** What answers count in budgets: US dollars, tokens of output, and of input that no cache has served. */
interface Spent {
  costUsd: number;
  output: number;
  input: number;
}

const USAGE_COLUMNS = ["day", "agent", "model", "credential"] as const;
/** After every possible day. */
const NEVER = "9999-99-99";

/**
 * Metered usage: a row per agent, day of the operator, model and credential. Days from before the time zone counted are
 * UTC. Rows are kept permanently.
 */
export function usageQueries(db: Sqlite) {
  const add = db.prepare<[string, string, string, string, number, number, number, number, number, number, number]>(
    `INSERT INTO usage (agent, day, model, credential, requests, input, output, cache_read, cache_write, cost_usd, unpriced, budget_usd)
     VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (day, agent, model, credential) DO UPDATE SET requests = requests + 1, input = input + excluded.input,
       output = output + excluded.output, cache_read = cache_read + excluded.cache_read,
       cache_write = cache_write + excluded.cache_write, cost_usd = cost_usd + excluded.cost_usd,
       unpriced = unpriced + excluded.unpriced, budget_usd = budget_usd + excluded.budget_usd`,
  );
  const on = db.prepare<[string], { agent: string; tokens: number; cost: number; unpriced: number }>(
    `SELECT agent, sum(input + output + cache_read + cache_write) AS tokens, sum(cost_usd) AS cost, sum(unpriced) AS unpriced
     FROM usage WHERE day = ? GROUP BY agent`,
  );
  const line =
    "agent, day, model, credential, requests, input, output, cache_read AS cacheRead, cache_write AS cacheWrite, cost_usd AS costUsd, unpriced";
  const figures = `total(requests) AS requests, total(input) AS input, total(output) AS output, total(cache_read) AS cacheRead,
    total(cache_write) AS cacheWrite, total(cost_usd) AS costUsd, total(unpriced) AS unpriced`;
  const sum = `SELECT ${figures} FROM usage`;
  const period = "FROM usage WHERE day >= @since AND day <= @until AND (@agent IS NULL OR agent = @agent)";
  type Period = { since: string; until: string; agent: string | null };
  const ofPeriod = db.prepare<Period, UsageSum>(`SELECT ${figures} ${period}`);
  const spent = db.prepare<SpentOn, Spent>(
    `SELECT total(budget_usd) AS costUsd, total(output) AS output, total(input) + total(cache_write) AS input FROM usage
     WHERE day = @day AND (@agent IS NULL OR agent = @agent) AND (@credential IS NULL OR credential = @credential)`,
  );
  const groups = new Map<string, ReturnType<typeof groupsBy>>();
  /** The keys are literals of this file, never text of a caller. */
  function groupsBy(keys: readonly string[]) {
    const order = [...(keys.includes("day") ? ["day DESC"] : []), "costUsd DESC", "total(input + output) DESC", ...keys];
    return db.prepare<Period & { limit: number }, UsageGroup>(
      `SELECT ${keys.join(", ")}, ${figures} ${period} GROUP BY ${keys.join(", ")} ORDER BY ${order.join(", ")} LIMIT @limit`,
    );
  }
  const ofAll = {
    days: db.prepare<[string, number], string>("SELECT DISTINCT day FROM usage WHERE day < ? ORDER BY day DESC LIMIT ?").pluck(),
    lines: db.prepare<[string, string], UsageLine>(
      `SELECT ${line} FROM usage WHERE day >= ? AND day <= ? ORDER BY day DESC, agent, model, credential`,
    ),
    total: db.prepare<[], UsageSum>(sum),
  };
  const ofOne = {
    days: db
      .prepare<[string, string, number], string>(
        "SELECT DISTINCT day FROM usage WHERE agent = ? AND day < ? ORDER BY day DESC LIMIT ?",
      )
      .pluck(),
    lines: db.prepare<[string, string, string], UsageLine>(
      `SELECT ${line} FROM usage WHERE agent = ? AND day >= ? AND day <= ? ORDER BY day DESC, model, credential`,
    ),
    total: db.prepare<[string], UsageSum>(`${sum} WHERE agent = ?`),
  };
  return {
    /** Adds an answer. Only inside a write. */
    add: (u: UsageRecord): void =>
      void add.run(
        u.agent,
        u.day,
        u.model,
        u.credential,
        u.input,
        u.output,
        u.cacheRead,
        u.cacheWrite,
        u.costUsd ?? 0,
        u.costUsd === undefined ? 1 : 0,
        u.budgetUsd,
      ),
    /** Tokens and cost of each agent on a day. */
    on: (day: string) => on.all(day),
    /**
     * The newest `days` days with usage before a day, newest first, of one agent or of all. `more` is true if there are
     * older ones.
     */
    page({ agent, before = NEVER, days }: { agent?: string | undefined; before?: string | undefined; days: number }): {
      lines: UsageLine[];
      more: boolean;
    } {
      const found = agent === undefined ? ofAll.days.all(before, days + 1) : ofOne.days.all(agent, before, days + 1);
      const shown = found.slice(0, days);
      const [newest, oldest] = [shown[0], shown.at(-1)];
      if (newest === undefined || oldest === undefined) return { lines: [], more: false };
      const lines = agent === undefined ? ofAll.lines.all(oldest, newest) : ofOne.lines.all(agent, oldest, newest);
      return { lines, more: found.length > days };
    },
    /**
     * Usage of a period by its keys: newest day first, then the most expensive first. At most `limit` groups.
     */
    groups({ by, since, until, agent }: UsageQuery, limit: number): UsageGroup[] {
      const keys = USAGE_COLUMNS.filter((column) => by.includes(column));
      const name = keys.join(" ");
      let query = groups.get(name);
      if (!query) groups.set(name, (query = groupsBy(keys)));
      return query.all({ since, until, agent: agent ?? null, limit });
    },
    /** The sum over a period, of one agent or of all. */
    sum: ({ since, until, agent }: Omit<UsageQuery, "by">): UsageSum =>
      ofPeriod.get({ since, until, agent: agent ?? null }) as UsageSum,
    /** What a day's answers count in budgets: those of an agent, of a credential, or all. */
    spent: ({ day, agent, credential }: Partial<Omit<SpentOn, "day">> & { day: string }): Spent =>
      spent.get({ day, agent: agent ?? null, credential: credential ?? null }) as Spent,
    /** The sum over all days, of one agent or of all. */
    total: (agent?: string): UsageSum => (agent === undefined ? ofAll.total.get() : ofOne.total.get(agent)) as UsageSum,
  };
}
