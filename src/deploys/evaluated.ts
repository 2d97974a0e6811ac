import { RepoRefusal, type AppliedRepo } from "../config-repos/types.ts";
import { CONFIG_FILE } from "../agents/agent-json.ts";
import type { Sha, TreeFile } from "../wire/approval.ts";
import { byPath, textOf } from "./tree.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * The platform's complaints about a valid config, before the operator is asked: it cannot be locked, or its code cannot
 * be evaluated. Empty where configs have no code. Nothing is built, and no ref names what is locked for it.
 */
export async function evaluationComplaints(
  { platform, repos, revision, now }: Pick<DeployContext, "platform" | "repos" | "revision" | "now">,
  { agent, sha, by }: { agent: string; sha: Sha; by: string },
  repo: Pick<AppliedRepo, "treeOf">,
  files: readonly TreeFile[],
): Promise<string[]> {
  const config = byPath(files).get(CONFIG_FILE);
  if (!platform.evaluate || !config) return [];
  try {
    await platform.evaluate({
      agent,
      by,
      agentJson: textOf(config) ?? "",
      async lock() {
        const entry = { rev: sha, tree: await repo.treeOf(sha), hyperhive: revision };
        return repos.meta.candidate(await repos.meta.head(), agent, entry, { message: `try ${agent}`, author: by, at: now() });
      },
    });
    return [];
  } catch (error) {
    if (error instanceof RepoRefusal) return [error.message];
    throw error;
  }
}
