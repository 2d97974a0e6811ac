import { requestCan } from "../wire/request-states.ts";
import { mountOwners, projectPin, type ApprovalRecord } from "../store/approvals.ts";
import type { Sha } from "../wire/approval.ts";
import type { RequestStore } from "./request-store.ts";
import { readDiff } from "./request-diff.ts";
import { mountMarks } from "./mounts.ts";
import { projectFiles, projectMarks } from "./project.ts";
import { rulesFor } from "./validate.ts";
import type { DeployContext } from "./deploy-context.ts";

/** The stored marks and figures of a request's change, which every list shows. */
export type Marks = Pick<ApprovalRecord, "risks" | "stat">;

export const NO_MARKS: Marks = { risks: "[]", stat: JSON.stringify({ files: 0, added: 0, removed: 0 }) };

/**
 * The marks and figures of a request against a commit (against nothing if undefined). Rejects if the repository cannot
 * be read.
 */
export async function marksAgainst(
  context: DeployContext,
  row: Pick<ApprovalRecord, "name" | "sha" | "origin" | "mount_owners" | "project">,
  base: Sha | undefined,
): Promise<Marks> {
  // A config that ran before needs no marks.
  if (base === row.sha || row.origin === "revive") return NO_MARKS;
  const repo = context.repos.applied(row.name);
  const pins = {
    before: base === undefined ? undefined : context.store.approvals.project(row.name, base),
    after: projectPin(row),
  };
  const [before, head, diff, followed, follows] = await Promise.all([
    base === undefined ? undefined : repo.files(base),
    repo.files(row.sha),
    readDiff(context, row, base),
    projectFiles(context, row.name, pins.before),
    projectFiles(context, row.name, pins.after),
  ]);
  const sum = (field: "added" | "removed"): number => diff.reduce((total, file) => total + file[field], 0);
  const stat = JSON.stringify({ files: diff.length, added: sum("added"), removed: sum("removed") });
  const risks = [
    ...context.review.risks({ base: before && [...before, ...followed], head: [...head, ...follows], diff }),
    ...projectMarks(pins.before, pins.after, diff),
  ];
  if (rulesFor(row.origin) !== "request") return { risks: JSON.stringify(risks), stat };
  const owners = base === undefined ? {} : context.store.approvals.mountOwners(row.name, base);
  const mounts = await mountMarks(context, { files: before ?? [], owners }, { files: head, owners: mountOwners(row) });
  return { risks: JSON.stringify([...risks, ...mounts]), stat };
}

/**
 * The marks that an agent's pending requests have once a commit runs, by their ids. Unreadable ones are left out, so
 * that they do not stop a deploy.
 */
export async function marksOnceRuns(context: DeployContext, name: string, sha: Sha): Promise<ReadonlyMap<number, Marks>> {
  const marks = new Map<number, Marks>();
  for (const row of context.store.approvals.openOf(name)) {
    if (!requestCan(row, "approve")) continue;
    const found = await marksAgainst(context, row, sha).catch(context.onUnexpected);
    if (found) marks.set(row.id, found);
  }
  return marks;
}

/**
 * Updates the marks of pending requests to what runs now, and publishes each change. Called after a change of what
 * runs, of the agents, or of the rules. If a repository cannot be read, its marks stay.
 */
export async function refreshMarks(context: DeployContext, requestStore: RequestStore, name?: string): Promise<void> {
  const { approvals } = context.store;
  for (const row of name === undefined ? approvals.open() : approvals.openOf(name)) {
    if (!requestCan(row, "approve")) continue;
    const base = requestStore.running(row);
    const marks = await marksAgainst(context, row, base).catch(context.onUnexpected);
    if (!marks) continue;
    await context.store.write((tx) => {
      const now = requestStore.get(row.id);
      // If it was decided meanwhile, it keeps the marks of the decision. If another config runs, the deploy of that
      // config updates
      // the marks.
      if (!requestCan(now, "approve") || requestStore.running(now) !== base) return;
      if (now.risks !== marks.risks || now.stat !== marks.stat) requestStore.note(tx, row.id, marks);
    });
  }
}
