import { SYSTEM } from "../../../wire/names.ts";
import type { Run } from "../run.ts";
import type { Merged } from "./merge.ts";

/**
 * Runs the repository's check on the result of the merge. Resolves with false if it failed: the owner has the change
 * back then. Its cage and its folder are removed however it ends; those that a killed daemon has left are removed at the
 * next start.
 */
export async function checkStep(run: Run, { candidate }: Merged): Promise<boolean> {
  const { context, changes, repositories, checks, id, repo, tip, ended } = run;
  if (repo.settings.check.trim() === "") return true;
  const patch = { candidate, candidate_base: tip ?? null, has_log: 1 };
  const row = await context.store.write((tx) => changes.move(tx, id, "check", SYSTEM, patch));
  await context.failpoint("check_start");
  const end = await checks.run(row, repo.settings, { candidate, tip, tags: repositories.tags(repo.name), ended });
  if (!end.ok) {
    await context.store.write((tx) => changes.move(tx, id, "fail_check", SYSTEM, { reason: end.reason }));
    return false;
  }
  await context.failpoint("check_done");
  return true;
}
