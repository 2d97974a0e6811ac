import type { OperationName, Operations } from "./operations.ts";

/** The operator of host.sock, and how agents know every operator. */
export const OPERATOR = "operator";

/** What an operator may do. Each role includes the ones before it. */
export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** The operations that operators call. */
export type OperatorOperation = {
  [N in OperationName]: "operator" extends Operations[N]["callers"][number] ? N : never;
}[OperationName];

/**
 * The least role for each operation: the one table that the daemon, the page and the terminal ask. A viewer reads
 * everything but secrets. An operator decides and acts. An admin also changes who may do that, what reaches into the
 * host (folders, settings, backups), and the sessions of others.
 */
export const LEAST_ROLE = {
  inbox: "viewer",
  messages: "viewer",
  loops: "viewer",
  message: "viewer",
  questions: "viewer",
  question: "viewer",
  pending: "viewer",
  approvals: "viewer",
  show: "viewer",
  show_file: "viewer",
  build_log: "viewer",
  deploys: "viewer",
  meta: "viewer",
  audit: "viewer",
  check: "viewer",
  search: "viewer",
  turns: "viewer",
  statistics: "viewer",
  usage: "viewer",
  usage_sums: "viewer",
  budget: "viewer",
  change_usage: "viewer",
  egress: "viewer",
  repos: "viewer",
  repo: "viewer",
  repo_divergence: "viewer",
  repo_includes: "viewer",
  workspaces: "viewer",
  workspace_diff: "viewer",
  workspace_file: "viewer",
  changes: "viewer",
  change: "viewer",
  change_file: "viewer",
  change_log: "viewer",
  file_list: "viewer",
  file_read: "viewer",
  file_download: "viewer",
  list: "viewer",
  agent_status: "viewer",
  subscribe_agent_status: "viewer",
  urls: "viewer",
  state: "viewer",
  turn_events: "viewer",
  watch: "viewer",
  logs: "viewer",
  journal: "viewer",
  config: "viewer",
  tombstones: "viewer",
  operators: "viewer",
  sessions: "viewer",
  // Only the caller's own.
  passkeys: "viewer",
  // Names and uses, never values.
  secrets: "viewer",
  credentials: "viewer",
  // Only the caller's own: a link of its own, and the end of its own sessions. An admin ends those of others.
  login: "viewer",
  session_revoke: "viewer",

  send: "operator",
  mark_read: "operator",
  message_retry: "operator",
  message_drop: "operator",
  chain_resume: "operator",
  answer: "operator",
  question_cancel: "operator",
  spawn: "operator",
  start: "operator",
  stop: "operator",
  stop_all: "operator",
  start_what_ran: "operator",
  restart: "operator",
  kill: "operator",
  destroy: "operator",
  revive: "operator",
  set_paused: "operator",
  cancel: "operator",
  compact: "operator",
  model: "operator",
  new_session: "operator",
  approve: "operator",
  deny: "operator",
  cancel_request: "operator",
  request_spawn: "operator",
  propose: "operator",
  rollback: "operator",
  rebuild: "operator",
  update: "operator",
  deploy_force: "operator",
  meta_update: "operator",
  repo_fetch: "operator",
  repo_reconcile: "operator",
  repo_push: "operator",
  repo_token: "operator",
  workspace_drop: "operator",
  workspace_retry: "operator",
  workspace_skip: "operator",
  withdraw_change: "operator",
  change_approve: "operator",
  change_deny: "operator",
  change_comment: "operator",
  change_comment_drop: "operator",
  change_comment_resolve: "operator",
  change_return: "operator",
  change_retry: "operator",
  change_dequeue: "operator",
  change_to_front: "operator",
  change_revert: "operator",
  queue_pause: "operator",
  upload_start: "operator",
  upload_piece: "operator",
  upload_finish: "operator",
  budget_set: "operator",
  budget_answer: "operator",
  passkey_start: "operator",
  passkey_add: "operator",
  passkey_remove: "operator",
  passkey_require: "operator",
  passkey_challenge: "operator",

  operator_add: "admin",
  operator_set: "admin",
  operator_remove: "admin",
  operator_passkey_off: "admin",
  model_login_start: "admin",
  model_login_finish: "admin",
  model_login_cancel: "admin",
  model_logout: "admin",
  repo_create: "admin",
  repo_add: "admin",
  repo_add_remote: "admin",
  repo_login: "admin",
  repo_new_key: "admin",
  repo_host_key: "admin",
  repo_trust: "admin",
  repo_set: "admin",
  repo_remove: "admin",
  repo_gc: "admin",
  repo_include: "admin",
  repo_include_remove: "admin",
  secret_set: "admin",
  secret_remove: "admin",
  credential_add: "admin",
  credential_remove: "admin",
  backup: "admin",
  migrate: "admin",
  shutdown: "admin",
} as const satisfies Record<OperatorOperation, Role>;

/** True if a role includes another one. */
export const includes = (role: Role, least: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(least);

/** True if an operator with this role may call the operation. */
export function mayCall(role: Role, name: OperationName): boolean {
  return Object.hasOwn(LEAST_ROLE, name) && includes(role, LEAST_ROLE[name as OperatorOperation]);
}

/** Why an operator may not call an operation. Undefined if it may. */
export function whyNotCall({ name: who, role }: { name: string; role: Role }, operation: OperationName): string | undefined {
  if (mayCall(role, operation)) return undefined;
  const least: Role | undefined = LEAST_ROLE[operation as OperatorOperation];
  return `"${operation}" takes the role ${least ?? "of an agent"}, and ${who} has the role ${role}: ask an admin`;
}

/**
 * How an operator is named where it acted: in the audit trail, on requests, changes and comments. `operator` is the one
 * of host.sock; another is `operator/<name>`, so it can never be mistaken for an agent.
 */
export const operatorActor = (name: string): string => (name === OPERATOR ? OPERATOR : `${OPERATOR}/${name}`);

/** An operator in a sentence: `the operator`, or `the operator bob`. */
export const operatorWords = (actor: string): string => (actor === OPERATOR ? "the operator" : `the ${actor.replace("/", " ")}`);

/** True if the name of who acted is an operator's. */
export const isOperator = (actor: string | null | undefined): boolean =>
  actor === OPERATOR || actor?.startsWith(`${OPERATOR}/`) === true;
