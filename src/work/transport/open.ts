import type { Repositories } from "../repositories.ts";
import type { WorkContext } from "../work-context.ts";
import { AgentGit } from "./agent-git.ts";
import { Branches } from "./branches.ts";
import { GitEndpoint } from "./endpoint.ts";
import type { Pace } from "./pace.ts";
import { operatorCaller } from "./operator-git.ts";
import { Pushes } from "./pushes.ts";

/** Everything between git in a cage, or the operator's git, and the repositories. */
export function openTransport(context: WorkContext, repositories: Repositories, pace?: Pace) {
  const branches = new Branches(context, repositories);
  const pushes = new Pushes(context, repositories, branches);
  const { git, onUnexpected } = context;
  const endpoint = new GitEndpoint({ git, pushes, uses: repositories.uses, onUnexpected, pace });
  const deps = { context, repositories, branches, endpoint };
  return {
    branches,
    endpoint,
    agentGit: new AgentGit(deps),
    operatorCaller: (repo: string, actor: string, movesBases = true) => operatorCaller(deps, repo, actor, movesBases),
  };
}
