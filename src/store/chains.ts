import type { Sqlite } from "./database.ts";

/** What the turns of a chain have used. */
export interface ChainUse {
  /** US dollars of the priced requests. */
  costUsd: number;
  /** Requests to models without a price. */
  unpriced: number;
  output: number;
}

/** What a chain has used altogether, and of that since an operator last let it go on. */
export interface ChainCost extends ChainUse {
  since: { costUsd: number; output: number };
}

interface Row {
  cost: number;
  unpriced: number;
  output: number;
  passed_cost: number;
  passed_output: number;
}

/** Metered usage by chain of messages: a row per chain that a model has answered. */
export function chainQueries(db: Sqlite) {
  const add = db.prepare<[number, number, number, number, number]>(
    `INSERT INTO chain_costs (chain, cost, unpriced, output, updated_at) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (chain) DO UPDATE SET cost = cost + excluded.cost, unpriced = unpriced + excluded.unpriced,
       output = output + excluded.output, updated_at = excluded.updated_at`,
  );
  const of = db.prepare<[number], Row>(
    "SELECT cost, unpriced, output, passed_cost, passed_output FROM chain_costs WHERE chain = ?",
  );
  const pass = db.prepare<[number]>("UPDATE chain_costs SET passed_cost = cost, passed_output = output WHERE chain = ?");
  const prune = db.prepare<[number]>("DELETE FROM chain_costs WHERE updated_at < ?");
  return {
    /** Adds an answer of the model. `at` in milliseconds. Only inside a write. */
    add: (chain: number, { costUsd, unpriced, output }: ChainUse, at: number): void =>
      void add.run(chain, costUsd, unpriced, output, at),
    of(chain: number): ChainCost {
      const row = of.get(chain) ?? { cost: 0, unpriced: 0, output: 0, passed_cost: 0, passed_output: 0 };
      return {
        costUsd: row.cost,
        unpriced: row.unpriced,
        output: row.output,
        since: { costUsd: row.cost - row.passed_cost, output: row.output - row.passed_output },
      };
    },
    /** An operator lets the chain go on: what it uses counts from now on. Only inside a write. */
    pass: (chain: number): void => void pass.run(chain),
    /** Removes chains that have not used a model since. Only inside a write. */
    prune: (olderThan: number): number => prune.run(olderThan).changes,
  };
}
