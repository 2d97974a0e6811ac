import { patchPart } from "../../diffs/patch-text.ts";
import { HiveError } from "../../wire/error.ts";
import { shownFiles } from "../../work/diff.ts";
import { actorOf } from "./caller.ts";
import type { HandlerContext, Handlers } from "./types.ts";

/** Sends the operator's answer to a harness that waits for it. */
function answer(context: HandlerContext, name: string, words: "retry" | "skip"): Record<string, never> {
  const agent = context.swarm.byName(name);
  if (agent.workspace?.failed !== true) throw new HiveError("conflict", `no workspace of ${name} waits for you`);
  context.commands.pushTo(agent, { push: "workspace", answer: words, repos: context.work.assignedTo(agent) });
  return {};
}

type Names = "workspaces" | "workspace_diff" | "workspace_file" | "workspace_drop" | "workspace_retry" | "workspace_skip";

export const workspaceHandlers: Pick<Handlers, Names> = {
  async workspaces({ swarm, work }, { name }) {
    return { workspaces: await work.workspaces.list(name === undefined ? swarm.all() : [swarm.byName(name)]) };
  },
  async workspace_diff({ swarm, work }, { name, repo }) {
    const { base, from, files, leftOut } = await work.workspaceDiff(swarm.byName(name), repo);
    return { base, ...(from === undefined ? {} : { from }), files: shownFiles(files, new Set()), left_out: leftOut };
  },
  async workspace_file({ swarm, work }, { name, repo, path, after }) {
    const { files } = await work.workspaceDiff(swarm.byName(name), repo, path);
    const file = files.find((one) => one.path === path);
    if (!file) throw new HiveError("not_found", `${JSON.stringify(path)} has not changed: show the changes again`);
    return patchPart(file.hunks, after);
  },
  async workspace_drop({ backups, swarm, work }, { name, repo }, caller) {
    backups.refuseWhileTaking("drop the workspace");
    await work.workspaces.drop(swarm.byName(name), repo, actorOf(caller));
    return {};
  },
  workspace_retry: (context, { name }) => answer(context, name, "retry"),
  workspace_skip: (context, { name }) => answer(context, name, "skip"),
};
