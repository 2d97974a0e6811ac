import type { AuditRecord } from "../store/ledger.ts";
import type { OperationName } from "../wire/operations.ts";

/**
 * The kinds of the audit trail for operations of operators that leave no line of their own where they are carried out.
 * Their line is written once they are done.
 */
export const RECORDED: Partial<Record<OperationName, string>> = {
  cancel: "turn_cancelled",
  compact: "session_compacted",
  model: "model_set",
  new_session: "session_renewed",
  deploy_force: "deploy_forced",
  workspace_retry: "workspace_retried",
  workspace_skip: "workspace_skipped",
  repo_token: "token_issued",
  change_comment: "comment_kept",
  change_comment_drop: "comment_dropped",
  change_comment_resolve: "comment_resolved",
  shutdown: "shutdown",
};

/** Operations whose `name` is an agent's. */
const OF_AGENT: readonly OperationName[] = ["cancel", "compact", "model", "new_session", "workspace_retry", "workspace_skip"];

/** What the line of a call says. Texts that people write are not repeated. */
export function recordOf(
  name: OperationName,
  input: object,
): Pick<AuditRecord, "kind" | "agent" | "request" | "detail"> | undefined {
  const kind = RECORDED[name];
  if (kind === undefined) return undefined;
  const given = input as Record<string, unknown>;
  const numbers = Object.entries(given).filter(([key, value]) => key !== "line" && typeof value === "number");
  const detail: Record<string, unknown> = name === "deploy_force" ? {} : Object.fromEntries(numbers);
  if (name === "model") detail["model"] = given["model"];
  if (name === "repo_token") detail["repo"] = given["name"];
  return {
    kind,
    ...(OF_AGENT.includes(name) ? { agent: String(given["name"]) } : {}),
    ...(name === "deploy_force" ? { request: Number(given["id"]) } : {}),
    ...(Object.keys(detail).length === 0 ? {} : { detail }),
  };
}
