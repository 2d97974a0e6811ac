import { rulesFor } from "../validate.ts";
import { digestOf } from "../digest.ts";
import type { Step, WithAgent, WithFiles } from "./step.ts";

/** Reads what was approved, and checks once more that it is that, that it may follow what runs, and that it fits. */
export const treeStep: Step<WithAgent, WithFiles> = {
  name: "tree",
  state: "building",
  async do({ context, requestStore, row, agent }) {
    const repo = context.repos.applied(row.name);
    await repo.ensure();
    const running = agent.record.deployedSha;
    const [tree, follows] = await Promise.all([
      repo.treeOf(row.sha),
      running === undefined || row.origin === "rollback" ? true : repo.isAncestor(running, row.sha),
    ]);
    if (tree !== row.tree) throw new Error(`commit ${row.sha} has tree ${tree}, and ${row.tree} was approved`);
    // Queued behind another deploy of this agent, what was looked at may not be what runs any more.
    if (row.digest !== null && row.digest !== digestOf(row.tree, requestStore.runningTree(row.name)))
      throw new Error("what runs has changed since the approval: look again, and propose it anew");
    if (!follows) throw new Error(notAfter(row.name, running ?? ""));
    const files = await repo.files(row.sha);
    const complaints = context.review.validate(files, rulesFor(row.origin));
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
    return { files };
  },
};

/** Words for a commit that does not contain what runs. */
export function notAfter(agent: string, running: string): string {
  return `this commit does not follow what runs (${running.slice(0, 12)}): in /agents/${agent}/config run \`git fetch applied\`, rebase onto ${running.slice(0, 12)}, and propose again`;
}
