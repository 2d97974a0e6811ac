import type { ApprovalRecord } from "../store/approvals.ts";
import { isTerminal, TERMINAL_TAGS, tagsOf, terminalTag } from "../wire/request-states.ts";
import { tagEnd } from "./finish.ts";
import type { DeployContext } from "./deploy-context.ts";

/**
 * The number of an agent's ended requests that are checked when the daemon starts. Only the last ones can lack a tag.
 */
const RECENT = 20;

/** Sets the tag for a stage of a request. It has no message. */
export function tagMoment(context: DeployContext, row: ApprovalRecord, name: string): Promise<void> {
  return context.repos.applied(row.name).tag({ name: `${name}/${row.id}`, sha: row.sha, at: row.requested_at });
}

/** Creates the tags that an agent's rows require, and removes tags that no row requires. */
export async function repairTags(context: DeployContext, name: string): Promise<void> {
  const { approvals } = context.store;
  const rows = [...approvals.openOf(name), ...approvals.settledOf(name, Number.MAX_SAFE_INTEGER, RECENT)];
  if (rows.length === 0) return;
  const repo = context.repos.applied(name);
  const refs = await repo.refs();
  for (const row of rows) {
    for (const tag of tagsOf(row.state, row.approved_at !== null, row.building_at !== null)) {
      if (refs.has(`refs/tags/${tag}/${row.id}`)) continue;
      // A request of a purged agent. Its repository was removed with it, and the new one of that name does not have the
      // commit.
      if (!(await repo.has(row.sha))) break;
      if (tag === terminalTag(row.state)) await tagEnd(context, row);
      else await tagMoment(context, row, tag);
    }
    for (const tag of TERMINAL_TAGS) {
      const isOwn = isTerminal(row.state) && tag === terminalTag(row.state);
      if (!isOwn && refs.has(`refs/tags/${tag}/${row.id}`)) await repo.untag(`${tag}/${row.id}`);
    }
  }
}
