import { HiveError } from "../../wire/error.ts";
import type { Handlers } from "./types.ts";

export const APPROVAL_OPERATIONS = [
  "approvals",
  "show",
  "approve",
  "deny",
  "cancel_request",
  "request_spawn",
  "request_apply_commit",
  "propose",
  "rollback",
  "rebuild",
  "update",
  "deploy_force",
  "deploys",
  "meta",
  "meta_update",
  "audit",
  "check",
] as const;
type Names = (typeof APPROVAL_OPERATIONS)[number];

const later = (): never => {
  throw new HiveError("unavailable", "this hive does not take requests yet");
};

/** What may be read answers that there is nothing. */
const empty: Partial<Handlers> = {
  approvals: () => ({ approvals: [] }),
  deploys: () => ({ deploys: [] }),
  meta: () => ({ inputs: [] }),
};

export const approvalHandlers = Object.fromEntries(
  APPROVAL_OPERATIONS.map((name) => [name, empty[name] ?? later]),
) as unknown as Pick<Handlers, Names>;
