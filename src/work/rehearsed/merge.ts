import { moveRef } from "../../os/git/refs.ts";
import type { Sha } from "../../wire/approval.ts";
import type { GitWorker } from "../git/worker.ts";
import type { HostedPull } from "./github.ts";

const WHO = { NAME: "rehearsed host", EMAIL: "rehearsed@hive.invalid" };

/**
 * Merges a pull request onto the tip of its base, as the button of a host does. Returns the commit; undefined if there is
 * a conflict, or a base that is not there. `now` is its time.
 */
export async function mergePull(
  git: GitWorker,
  repo: string,
  { number, title, head, base, sha }: HostedPull,
  tip: Sha | undefined,
  now: number,
): Promise<Sha | undefined> {
  if (tip === undefined) return undefined;
  const date = `${Math.floor(now / 1000)} +0000`;
  const env = Object.fromEntries(
    ["AUTHOR", "COMMITTER"].flatMap((role) => [
      [`GIT_${role}_NAME`, WHO.NAME],
      [`GIT_${role}_EMAIL`, WHO.EMAIL],
      [`GIT_${role}_DATE`, date],
    ]),
  );
  // A daemon that ended before it had stored the merge has moved the branch.
  if ((await git.tryRead(repo, ["merge-base", "--is-ancestor", sha, tip])).code === 0) return tip;
  const commit = await git.withScratch(repo, {}, async (scratch) => {
    const merged = await scratch.run(["merge-tree", "--write-tree", "--no-messages", tip, sha]);
    if (merged.code !== 0) return undefined;
    const tree = merged.stdout.toString("latin1").trim();
    const message = `Merge pull request #${number} from ${head}\n\n${title}\n`;
    const made = await scratch.git(["commit-tree", tree, "-p", tip, "-p", sha, "-F", "-"], { env, input: message });
    await scratch.keepObjects();
    return made.toString("latin1").trim();
  });
  if (commit === undefined) return undefined;
  const { ok } = await moveRef(git.folder(repo), `refs/heads/${base}`, commit, tip);
  return ok ? commit : undefined;
}
