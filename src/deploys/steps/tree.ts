import { rulesFor } from "../validate.ts";
import { contentOf, digestOf } from "../digest.ts";
import type { Step, WithAgent, WithFiles } from "./step.ts";

/**
 * Reads the approved files. Checks again that they are the approved ones, that the commit descends from the running
 * one, and that the config is valid.
 */
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
    if (tree !== row.tree) throw new Error(`commit ${row.sha} has tree ${tree}, but ${row.tree} was approved`);
    // Another deploy of this agent may have run first, so the running config may no longer be the one that was shown.
    if (row.digest !== null && row.digest !== digestOf(contentOf(row), requestStore.runningContent(row.name)))
      throw new Error("what runs has changed since the approval: look again, and propose it again");
    if (!follows) throw new Error(notAfter(row.name, running ?? ""));
    const files = await repo.files(row.sha);
    const complaints = context.review.validate(files, rulesFor(row.origin));
    if (complaints.length > 0) throw new Error(complaints.join("\n"));
    return { files };
  },
};

/** The error for a commit that does not descend from the running one. */
export function notAfter(agent: string, running: string): string {
  return `this commit does not follow what runs (${running.slice(0, 12)}): in /agents/${agent}/config run \`git fetch applied\`, rebase onto ${running.slice(0, 12)}, and propose again`;
}
