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

export const approvalHandlers = Object.fromEntries(APPROVAL_OPERATIONS.map((name) => [name, later])) as unknown as Pick<
  Handlers,
  Names
>;
