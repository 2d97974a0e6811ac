import type { ApprovalRecord } from "../store/approvals.ts";
import type { ApprovalView, RiskMark, Sha } from "../wire/approval.ts";
import { instant } from "../wire/instant.ts";
import { terminalTag } from "../wire/request-states.ts";

/**
 * The view of a request. Unknown fields are absent. `now.base` is the commit that the change is compared with.
 * `now.digest` is the current digest, which is shown while the request can be approved.
 */
export function approvalView(row: ApprovalRecord, now: { base: Sha | undefined; digest: string }): ApprovalView {
  const view: ApprovalView = {
    id: row.id,
    seq: row.seq,
    agent: row.name,
    kind: row.kind,
    origin: row.origin,
    state: row.state,
    requested_by: row.requested_by,
    sha: row.sha,
    requested_at: instant(row.requested_at),
    risks: JSON.parse(row.risks) as RiskMark[],
    stat: JSON.parse(row.stat) as ApprovalView["stat"],
  };
  if (row.description !== null) view.description = row.description;
  if (now.base !== undefined) view.base_sha = now.base;
  if (row.state === "pending") view.digest = now.digest;
  if (row.resolved_at !== null) view.resolved_at = instant(row.resolved_at);
  if (row.resolved_by !== null) view.resolved_by = row.resolved_by;
  if (row.note !== null) view.note = row.note;
  if (row.error !== null) view.error = row.error;
  const tag = terminalTag(row.state);
  if (tag !== undefined) view.tag = `${tag}/${row.id}`;
  return view;
}
