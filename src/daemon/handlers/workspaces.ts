import { HiveError } from "../../wire/error.ts";
import type { HandlerContext, Handlers } from "./types.ts";

/** Sends the operator's answer to a harness that waits for it. */
function answer(context: HandlerContext, name: string, words: "retry" | "skip"): Record<string, never> {
  const agent = context.swarm.byName(name);
  if (agent.workspace?.failed !== true) throw new HiveError("conflict", `no workspace of ${name} waits for you`);
  context.commands.pushTo(agent, { push: "workspace", answer: words, repos: context.work.assignedTo(agent) });
  return {};
}

export const workspaceHandlers: Pick<Handlers, "workspace_retry" | "workspace_skip"> = {
  workspace_retry: (context, { name }) => answer(context, name, "retry"),
  workspace_skip: (context, { name }) => answer(context, name, "skip"),
};
