import { HiveError } from "../../wire/error.ts";
import { actorOf } from "./caller.ts";
import type { HandlerContext, Handlers } from "./types.ts";

/** Sends the operator's answer to a harness that waits for it. */
function answer(context: HandlerContext, name: string, words: "retry" | "skip"): Record<string, never> {
  const agent = context.swarm.byName(name);
  if (agent.workspace?.failed !== true) throw new HiveError("conflict", `no workspace of ${name} waits for you`);
  context.commands.pushTo(agent, { push: "workspace", answer: words, repos: context.work.assignedTo(agent) });
  return {};
}

export const workspaceHandlers: Pick<Handlers, "workspaces" | "workspace_drop" | "workspace_retry" | "workspace_skip"> = {
  async workspaces({ swarm, work }, { name }) {
    return { workspaces: await work.workspaces.list(name === undefined ? swarm.all() : [swarm.byName(name)]) };
  },
  async workspace_drop({ backups, swarm, work }, { name, repo }, caller) {
    backups.refuseWhileTaking("drop the workspace");
    await work.workspaces.drop(swarm.byName(name), repo, actorOf(caller));
    return {};
  },
  workspace_retry: (context, { name }) => answer(context, name, "retry"),
  workspace_skip: (context, { name }) => answer(context, name, "skip"),
};
