import { hivectl } from "../../lib/hivectl.ts";
import { listRefs } from "../../os/git/refs.ts";
import { HiveError } from "../../wire/error.ts";
import { OPERATOR } from "../../wire/names.ts";
import { placeOf } from "../repo-record.ts";
import { KEPT, type Repositories } from "../repositories.ts";
import type { WorkContext } from "../work-context.ts";
import type { Branches } from "./branches.ts";
import type { GitCaller } from "./endpoint.ts";
import { refNames } from "./view.ts";

/** Branches of the operator in one repository: more than a person keeps apart. */
const MAX_OPERATOR_BRANCHES = 1_000;

export interface OperatorGitDeps {
  context: Pick<WorkContext, "agents">;
  repositories: Pick<Repositories, "get" | "tips" | "tags" | "folder">;
  branches: Pick<Branches, "topics" | "topicsOf">;
}

/**
 * The operator's git for one repository, as its token grants it. It sees bases, branches and the pinned commits of
 * changes, and what resets of bases have kept. It pushes `operator/*`, and bases of a repository without upstream. `actor`
 * is which operator it is, for the audit trail. It pushes no base if `movesBases` is false: its approvals need a passkey,
 * and git asks for none.
 */
export async function operatorCaller(
  { context, repositories, branches }: OperatorGitDeps,
  repo: string,
  actor: string,
  movesBases = true,
): Promise<GitCaller> {
  const pinned = await listRefs(repositories.folder(repo), ["refs/changes", KEPT]);
  return {
    pusher: { id: OPERATOR, name: actor },
    open(name) {
      const { settings, upstream } = repositories.get(name);
      if (name !== repo) throw new HiveError("forbidden", `this token is for the repository ${repo}`);
      // Its own branches have no short names: without `operator/` a name is a base.
      const names = refNames(
        { bases: repositories.tips(repo), tags: repositories.tags(repo), topics: branches.topics(repo) },
        undefined,
      );
      for (const [ref, sha] of pinned) names.add(ref, sha);
      return {
        names,
        head: `refs/heads/${settings.base}`,
        rules: () => ({
          self: OPERATOR,
          bases: repositories.tips(repo),
          others: new Set(context.agents.allWithDestroyed().map((agent) => agent.name)),
          topics: branches.topicsOf(repo, OPERATOR),
          maxTopics: MAX_OPERATOR_BRANCHES,
          bytesLeft: Infinity,
          howToTag:
            upstream === undefined
              ? `the tags are those of the folder that a repository follows, and ${repo} follows none. Push a branch`
              : `the tags are those of ${placeOf(upstream)}. Tag there, then run ${hivectl(`repo fetch ${repo}`)}`,
          whyNoBase:
            upstream !== undefined
              ? `which follows ${placeOf(upstream)}`
              : movesBases
                ? undefined
                : "and your approvals need your passkey, which git does not ask for",
        }),
      };
    },
  };
}
