import type { LedgerEntry } from "../../config-repos/types.ts";
import type { Deploy, Step, WithAgent, WithLock } from "./step.ts";

/** Creates the ledger commit that would lock this deploy. No ref names it yet. */
export const lockStep: Step<WithAgent, WithLock> = {
  name: "lock",
  state: "building",
  async do(deploy) {
    const { row, context } = deploy;
    const entry = { rev: row.sha, tree: row.tree, hyperhive: context.revision };
    return { entry, ...(await lock(deploy, entry, deploy.ended)) };
  },
};

/** Creates a candidate on the ledger's newest commit. Returns both. Ends with `signal`. */
export async function lock(
  { context, row }: Deploy,
  entry: LedgerEntry,
  signal?: AbortSignal,
): Promise<Pick<WithLock, "candidate" | "head">> {
  const head = await context.repos.meta.head();
  const facts = {
    message: `deploy ${row.name} deployed/${row.id} ${row.sha.slice(0, 12)}`,
    author: row.resolved_by ?? row.requested_by,
    at: row.approved_at ?? row.requested_at,
  };
  const candidate = await context.repos.meta.candidate(head, row.name, entry, facts, signal);
  return { candidate, head };
}
