import { rulesFor } from "../validate.ts";
import { contentOf, digestOf } from "../digest.ts";
import { hivectl } from "../../lib/hivectl.ts";
import type { TreeFile } from "../../wire/approval.ts";
import { ownNix, unreadNix } from "../nix-read.ts";
import type { Deploy, Step, WithAgent, WithFiles } from "./step.ts";

/**
 * Reads the approved files. Checks again that they are the approved ones, that the commit descends from the running
 * one, and that the config is valid.
 */
export const treeStep: Step<WithAgent, WithFiles> = {
  name: "tree",
  state: "building",
  async do(deploy) {
    const { context, requestStore, row, agent } = deploy;
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
    await checkNix(deploy, files);
    return { files };
  },
};

/** Throws if the platform would build Nix code that no operator was shown. Notes that it was, for later deploys of it. */
async function checkNix(deploy: Deploy & WithAgent, files: TreeFile[]): Promise<void> {
  const { context, requestStore, row, agent } = deploy;
  const { platform, paths, store } = context;
  if (!platform.evaluatesNix || ownNix(files).length === 0) return;
  const { deployedSha, generation } = agent.record;
  const isBuilt = deployedSha === row.sha && platform.isBuilt(paths.agent(agent.id).generation(generation));
  const unread = unreadNix(store, { name: row.name, sha: row.sha, files, isBuilt });
  if (unread !== undefined && row.origin === "rollback")
    throw new Error(
      `the Nix code of that config was never shown: propose it, and read it then (${hivectl(`propose ${row.name} --from ${row.id}`)})`,
    );
  if (unread !== undefined) throw new Error(unread);
  if (row.nix_read === 0) deploy.row = await store.write((tx) => requestStore.note(tx, row.id, { nix_read: 1 }));
}

/** The error for a commit that does not descend from the running one. */
export function notAfter(agent: string, running: string): string {
  return `this commit does not follow what runs (${running.slice(0, 12)}): in /agents/${agent}/config run \`git fetch applied\`, rebase onto ${running.slice(0, 12)}, and propose again`;
}
