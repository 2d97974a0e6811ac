import { z } from "zod";
import { strict } from "./config-values.ts";
import { BranchName, MAX_AGENT_REPOS, RepoAccess, RepoName } from "./work.ts";

/** The folder in a cage with the instructions of repositories, one folder for each that has them. */
export const PROJECTS = "/run/hive/project";

/**
 * Repositories of an agent. Each is named once. Without a base it is the repository's own. With `project` the agent
 * follows the repository's CLAUDE.md, skills and commands, as they were when the config was requested.
 */
export const Repos = z
  .array(
    strict({
      name: RepoName,
      base: BranchName.optional(),
      access: RepoAccess.default("write"),
      project: z.boolean().optional(),
    }),
  )
  .max(MAX_AGENT_REPOS)
  .superRefine((repos, context) => {
    const at = repos.findIndex(({ name }, n) => repos.findIndex((other) => other.name === name) < n);
    if (at >= 0)
      context.addIssue({ code: "custom", path: [at, "name"], message: `the repository ${repos[at]?.name ?? ""} is named twice` });
  });
