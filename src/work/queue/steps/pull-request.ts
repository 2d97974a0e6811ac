import { SYSTEM } from "../../../wire/names.ts";
import { isLive } from "../../forge/follow.ts";
import type { Forge } from "../../forge/place.ts";
import type { Run, RunEnd } from "../run.ts";

/**
 * Hands an approved change over to its pull request, in place of moving the base: `PullRequests` pushes the branch and
 * opens it. The proposed commit is what is pushed, and the queue does not wait for the forge.
 */
export async function pullRequestStep({ context, changes, id, repo }: Run, forge: Forge): Promise<RunEnd> {
  const { store, branchPrefix, failpoint } = context;
  await failpoint("pull_start");
  await store.write((tx) => {
    const row = changes.get(id);
    const before = store.pulls.of(id);
    const isKept = before !== undefined && isLive(before);
    const head = `${branchPrefix}/${row.agent_name}/${row.branch}`;
    const fresh = { state: "opening" as const, number: null, url: null, told: null, etag: null, round: row.round };
    // The commit that the branch has there is known also after its last pull request has ended.
    const known = { change: id, repo: repo.name, forge, head, sha: before?.sha ?? null, failed: null };
    store.pulls.put(isKept ? { ...before, round: row.round, failed: null } : { ...fresh, ...known });
    changes.move(tx, id, "open_pull", SYSTEM, { candidate: null, candidate_base: null, reason: null });
  });
  await failpoint("pull_stored");
  return "merged";
}
