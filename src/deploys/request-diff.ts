import { RepoRefusal, type AppliedRepo } from "../config-repos/types.ts";
import { projectPin, type ApprovalRecord, type ProjectPin } from "../store/approvals.ts";
import type { DiffFile, Sha, TreeFile } from "../wire/approval.ts";
import { HiveError } from "../wire/error.ts";
import { patchPart } from "../diffs/patch-text.ts";
import type { DeployContext } from "./deploy-context.ts";
import { projectDiff } from "./project.ts";

/** A request's changes against a commit (against nothing if undefined), as they are shown, marked and approved. */
export async function readDiff(
  context: DeployContext,
  row: Pick<ApprovalRecord, "name" | "sha" | "project">,
  base: Sha | undefined,
): Promise<DiffFile[]> {
  const repo = context.repos.applied(row.name);
  const [changes, instructions, head] = await Promise.all([
    repo.diff(base, row.sha),
    projectDiff(context, row.name, pinAt(context, row.name, base), projectPin(row)),
    filesOf(repo, row.sha),
  ]);
  return context.review.shown([...changes, ...instructions], head);
}

/** The instructions of repositories that a commit ran with. */
const pinAt = (context: DeployContext, name: string, sha: Sha | undefined): ProjectPin | undefined =>
  sha === undefined ? undefined : context.store.approvals.project(name, sha);

/** The files of a tree. Empty for a refused tree, which is shown but never approved. */
async function filesOf(repo: AppliedRepo, sha: Sha): Promise<TreeFile[]> {
  try {
    return await repo.files(sha);
  } catch (error) {
    if (error instanceof RepoRefusal) return [];
    throw error;
  }
}

/**
 * A part of a file's patch from a character on, with the position of the next part. It ends with a line if possible.
 */
export async function readPatchPart(
  context: DeployContext,
  row: ApprovalRecord,
  base: Sha | undefined,
  { path, after }: { path: string; after: number },
): Promise<{ text: string; next?: number }> {
  const [change] = (await projectDiff(context, row.name, pinAt(context, row.name, base), projectPin(row), path)).concat(
    path.startsWith("/") ? [] : await context.repos.applied(row.name).diff(base, row.sha, path),
  );
  if (change?.path !== path) throw new HiveError("not_found", `request ${row.id} does not change ${JSON.stringify(path)}`);
  return patchPart(change.hunks, after);
}
