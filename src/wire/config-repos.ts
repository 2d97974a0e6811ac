import { z } from "zod";
import { strict } from "./config-values.ts";
import { BranchName, MAX_AGENT_REPOS, RepoAccess, RepoName } from "./work.ts";

/** Repositories of an agent. Each is named once. Without a base it is the repository's own. */
export const Repos = z
  .array(strict({ name: RepoName, base: BranchName.optional(), access: RepoAccess.default("write") }))
  .max(MAX_AGENT_REPOS)
  .superRefine((repos, context) => {
    const at = repos.findIndex(({ name }, n) => repos.findIndex((other) => other.name === name) < n);
    if (at >= 0)
      context.addIssue({ code: "custom", path: [at, "name"], message: `the repository ${repos[at]?.name ?? ""} is named twice` });
  });
