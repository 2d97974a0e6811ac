import type { Deploy, Step } from "./step.ts";

/** Makes the commit of the ledger that would lock this deploy. Nothing names it yet. */
export const lockStep: Step = {
  name: "lock",
  state: "building",
  async do(deploy) {
    const { world, row } = deploy;
    deploy.entry = { rev: row.sha, tree: row.tree, hyperhive: world.revision };
    deploy.row = { ...row, candidate: await candidate(deploy), hyperhive: world.revision };
  },
};

/** A candidate on the ledger's newest commit; that commit is noted in `deploy.head`. */
export async function candidate(deploy: Deploy): Promise<string> {
  const { world, row, entry } = deploy;
  deploy.head = await world.repos.meta.head();
  return world.repos.meta.candidate(deploy.head, row.name, entry, {
    message: `deploy ${row.name} deployed/${row.id} ${row.sha.slice(0, 12)}`,
    author: row.resolved_by ?? row.requested_by,
    at: row.approved_at ?? row.requested_at,
  });
}
