import { join } from "node:path";
import { run } from "../os/run.ts";

/** Where the proposed repositories are mounted in the manager's cage. */
const PROPOSED = "/agents";
const FULL = /^[0-9a-f]{40}$/;
/** Fewer digits than git accepts are a typing mistake. */
const SHORT = /^[0-9a-f]{4,39}$/;
const NAME = /^[a-z][a-z0-9-]{0,31}$/;

/**
 * Resolves a commit that a model named to its full name, in the agent's proposed repository. An approval pins an
 * immutable object, so a branch or a tag is refused with instructions.
 */
export async function fullCommit(agent: string, commit: string, path: string, home: string): Promise<string> {
  if (FULL.test(commit)) return commit;
  if (!NAME.test(agent)) throw new Error(`${JSON.stringify(agent)} is not the name of an agent`);
  const folder = join(PROPOSED, agent, "config");
  if (!SHORT.test(commit))
    throw new Error(`${JSON.stringify(commit)} is not a commit: pass what \`git -C ${folder} rev-parse HEAD\` prints`);
  const found = await run("git", ["-C", folder, "rev-parse", "--verify", "--quiet", "--end-of-options", `${commit}^{commit}`], {
    env: { PATH: path, HOME: home, LC_ALL: "C" },
  });
  const sha = found.stdout.trim();
  if (found.code !== 0 || !FULL.test(sha))
    throw new Error(`there is no commit ${commit} in ${folder}: commit first, then pass what \`git rev-parse HEAD\` prints`);
  return sha;
}
