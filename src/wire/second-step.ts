import type { LEAST_ROLE, OperatorOperation } from "./roles.ts";

/** The header in which a page sends the answer of a passkey with a call, as base64url of its JSON. */
export const PASSKEY_HEADER = "hive-passkey";

/** The operations that take more than reading. */
type Act = { [N in OperatorOperation]: (typeof LEAST_ROLE)[N] extends "viewer" ? never : N }[OperatorOperation];

/**
 * Which operations take the passkey of an operator whose approvals need it: the one table that the daemon, the page and
 * the terminal ask. They are those that let an agent do more than was approved before, that change a repository or who
 * decides about one, and that make another operator. What stops, denies, talks or repeats takes none. An operation that
 * is added has to be entered here.
 */
const TAKES: Record<Act, boolean | ((input: object) => boolean)> = {
  // What agents are and may do.
  approve: true,
  spawn: true,
  revive: true,
  rollback: true,
  deploy_force: true,
  meta_update: true,
  // A merge, and everything that decides what is merged without the operator.
  change_approve: true,
  repo_set: true,
  // With settings it is `repo_set`. Without any, the operator approves each merge.
  repo_create: hasSettings,
  repo_add: hasSettings,
  repo_add_remote: hasSettings,
  // Decides as whom the hive pushes.
  repo_login: true,
  // Decides whom the hive takes for its upstream.
  repo_trust: true,
  repo_reconcile: true,
  // A file of the operator that agents get.
  repo_include: true,
  // More may be spent than was allowed. To leave an agent stopped takes nothing.
  budget_set: true,
  budget_answer: (input) => !("answer" in input) || input.answer !== "stop",
  // A secret that agents get, or that is sent for them.
  secret_set: true,
  // An operator without a passkey would approve instead.
  operator_add: true,
  operator_set: true,
  // The passkeys themselves, once approvals need one.
  passkey_add: true,
  passkey_remove: true,
  passkey_require: true,

  // Gives no agent anything, or asks for a decision.
  request_spawn: false,
  propose: false,
  change_revert: false,
  passkey_start: false,
  passkey_challenge: false,
  // Repeats what was approved, or shows the same in another order.
  rebuild: false,
  update: false,
  change_retry: false,
  change_to_front: false,
  queue_pause: false,
  repo_fetch: false,
  // Asks a host what it shows, and makes a key that no host knows yet.
  repo_host_key: false,
  repo_new_key: false,
  repo_push: false,
  repo_gc: false,
  workspace_retry: false,
  workspace_skip: false,
  // Its git pushes no base: `operator-git.ts`.
  repo_token: false,
  // Takes something away.
  deny: false,
  cancel_request: false,
  change_deny: false,
  change_dequeue: false,
  change_return: false,
  withdraw_change: false,
  operator_remove: false,
  // Only the admin of host.sock can: it helps where a passkey is lost.
  operator_passkey_off: false,
  repo_remove: false,
  repo_include_remove: false,
  secret_remove: false,
  workspace_drop: false,
  destroy: false,
  // Talks, and says how agents run.
  send: false,
  mark_read: false,
  message_retry: false,
  message_drop: false,
  chain_resume: false,
  answer: false,
  question_cancel: false,
  change_comment: false,
  change_comment_drop: false,
  change_comment_resolve: false,
  start: false,
  stop: false,
  stop_all: false,
  start_what_ran: false,
  restart: false,
  kill: false,
  set_paused: false,
  cancel: false,
  compact: false,
  model: false,
  new_session: false,
  upload_start: false,
  upload_piece: false,
  upload_finish: false,
  // The hive itself.
  model_login_start: false,
  model_login_finish: false,
  model_login_cancel: false,
  model_logout: false,
  // Like the log-in: no agent uses one that its approved config does not name.
  credential_add: false,
  credential_remove: false,
  backup: false,
  // Builds what was approved, and starts nothing. Code that was not shown at its approval is approved by it.
  migrate: (input) => "reviewed" in input && input.reviewed !== undefined,
  shutdown: false,
};

/** What a new repository has besides settings. */
const NO_SETTINGS = new Set([
  "name",
  "base",
  "folder",
  "nonce",
  "address",
  "token",
  "key",
  "own_key",
  "host_key",
  "private",
  "ca",
]);
function hasSettings(input: object): boolean {
  return Object.entries(input).some(([key, value]) => value !== undefined && !NO_SETTINGS.has(key));
}

/** True if a call takes the passkey of an operator whose approvals need it. */
export function takesPasskey(name: string, input: object): boolean {
  const takes = Object.hasOwn(TAKES, name) && TAKES[name as Act];
  return typeof takes === "function" ? takes(input) : takes;
}

/** Calls that take a passkey and that no page makes. */
const IN_TERMINALS: readonly string[] = ["operator_add", "operator_set", "repo_include", "migrate"] satisfies Act[];

/** How to make a call that takes a passkey, for who tries it without one. */
export function onThePage(name: string): string {
  if (name === "repo_add") return "leave the settings out, and set them on the repository's page";
  if (IN_TERMINALS.includes(name))
    return "only a terminal can do it, and cannot ask for the passkey. Under your name on the page, let your approvals need none for as long as it takes";
  return "do it on the page";
}

/** True if calls of an operation can take a passkey. */
export const mayTakePasskey = (name: string): boolean => Object.hasOwn(TAKES, name) && TAKES[name as Act] !== false;
