import type { z } from "zod";
import * as agent from "../wire/agent.ts";
import * as approval from "../wire/approval.ts";
import * as backup from "../wire/backup.ts";
import * as budget from "../wire/budget.ts";
import * as divergence from "../wire/divergence.ts";
import * as event from "../wire/event.ts";
import * as operator from "../wire/operator-operations.ts";
import * as login from "../wire/model-login.ts";
import * as message from "../wire/message.ts";
import * as credential from "../wire/model-credentials.ts";
import * as secret from "../wire/secrets.ts";
import * as migration from "../wire/migration.ts";
import * as plan from "../wire/plan.ts";
import * as work from "../wire/work.ts";
import { operations, type OperationName } from "../wire/operations.ts";

/** Shapes that are described once and referred to by name. */
const NAMED: Record<string, z.ZodType> = {
  AgentView: agent.AgentView,
  AgentStatusRow: agent.AgentStatusRow,
  BudgetRow: budget.BudgetRow,
  PlanView: plan.PlanView,
  OverBudget: budget.OverBudget,
  QuestionView: agent.QuestionView,
  MessageView: message.MessageView,
  ApprovalRow: approval.ApprovalRow,
  ApprovalView: approval.ApprovalView,
  RiskMark: approval.RiskMark,
  DiffFile: approval.DiffFile,
  DeployRow: approval.DeployRow,
  MetaInput: approval.MetaInput,
  AuditRow: approval.AuditRow,
  CheckFinding: approval.CheckFinding,
  DivergenceView: divergence.DivergenceView,
  RepoView: work.RepoView,
  PushView: work.PushView,
  QueueView: work.QueueView,
  AgentBranch: work.AgentBranch,
  ChangeView: work.ChangeView,
  CommentView: work.CommentView,
  OperatorView: operator.OperatorView,
  SecretView: secret.SecretView,
  CredentialView: credential.CredentialView,
  BackupView: backup.BackupView,
  MigrationView: migration.MigrationView,
  MigrationRow: migration.MigrationRow,
  LoginStarted: login.LoginStarted,
  ModelLoginView: login.ModelLoginView,
  HiveView: event.HiveView,
  HiveEvent: event.HiveEvent,
  StateSnapshot: event.StateSnapshot,
  StoredTurnEvent: event.StoredTurnEvent,
  TurnEvent: event.TurnEvent,
};
const NAMES = new Map<unknown, string>(Object.entries(NAMED).map(([name, schema]) => [schema, name]));

/** What each verb prints with --json: an operation's output, or a description if the verb composes it. */
export const VERB_OUTPUT: Record<string, OperationName | { shape: string }> = {
  status: {
    shape:
      "{ hive: HiveView, agents: AgentView[], questions: QuestionView[], approvals: ApprovalView[], changes: ChangeView[], agent_statuses: AgentStatusRow[] }",
  },
  list: { shape: `${shapeOf(operations.list.output)}; with --long { agents: AgentView[] }` },
  spawn: "spawn",
  start: { shape: "PerAgent" },
  stop: { shape: "PerAgent" },
  kill: { shape: "PerAgent" },
  restart: { shape: "PerAgent" },
  pause: { shape: "PerAgent" },
  resume: { shape: "PerAgent" },
  revive: "revive",
  destroy: "destroy",
  tombstones: "tombstones",
  logs: { shape: `${shapeOf(operations.logs.output)}; with --system --follow { lines: string[] }` },
  config: "config",
  send: {
    shape: `${shapeOf(operations.send.output)}; with --wait { message: MessageView }, to '*' { messages: MessageView[], unanswered: [], refused: [] }`,
  },
  inbox: "inbox",
  messages: "messages",
  message: "message",
  retry: "message_retry",
  drop: "message_drop",
  "let-go": "chain_resume",
  loops: "loops",
  questions: "questions",
  question: "question",
  answer: "answer",
  "close-question": "question_cancel",
  tail: { shape: "StoredTurnEvent, one per line" },
  watch: { shape: "HiveEvent, one per line" },
  turns: "turns",
  cancel: "cancel",
  compact: "compact",
  model: "model",
  "new-session": "new_session",
  cost: "usage",
  usage: { shape: `${shapeOf(operations.usage_sums.output)}; with --by change ${shapeOf(operations.change_usage.output)}` },
  egress: { shape: `${shapeOf(operations.egress.output)}; with --propose { request: number, risks: RiskMark[] }` },
  "budget list": "budget",
  "budget set": "budget_set",
  "budget raise": "budget_answer",
  "budget lift": "budget_answer",
  "budget stop": "budget_answer",
  pending: "pending",
  requests: "approvals",
  show: { shape: `${shapeOf(operations.show.output)}; with --file { text: string }` },
  approve: "approve",
  deny: "deny",
  "cancel-request": "cancel_request",
  "build-log": "build_log",
  "request-spawn": { shape: "{ request: number, risks: RiskMark[] }; with --wait also approval: ApprovalView" },
  propose: { shape: "{ request: number, risks: RiskMark[] }; with --wait also approval: ApprovalView" },
  rollback: { shape: "{ request: number }; with --wait { request: number, approval: ApprovalView }" },
  rebuild: { shape: "PerAgent, each with the request that it made" },
  update: "update",
  force: "deploy_force",
  deploys: "deploys",
  "repo add": { shape: "{ repo: RepoView }" },
  "repo login": "repo_login",
  "repo trust": "repo_trust",
  "repo list": "repos",
  "repo show": "repo",
  "repo set": "repo_set",
  "repo fetch": "repo_fetch",
  "repo push": "repo_push",
  "repo reconcile": { shape: `${shapeOf(operations.repo_reconcile.output)}; without a way DivergenceView` },
  "repo gc": "repo_gc",
  "repo remove": "repo_remove",
  "repo include": { shape: `${shapeOf(operations.repo_includes.output)}; with --remove {}` },
  "work list": "workspaces",
  "work diff": { shape: `${shapeOf(operations.workspace_diff.output)}; with --file { text: string }` },
  "work drop": "workspace_drop",
  "work retry": "workspace_retry",
  "work skip": "workspace_skip",
  "repo pause": "queue_pause",
  "repo resume": "queue_pause",
  "repo remote": { shape: "{ url: string, added: boolean }" },
  "repo credential": { shape: `${shapeOf(operations.repo_token.output)}; {} where git is not answered` },
  "change list": "changes",
  "change show": { shape: `${shapeOf(operations.change.output)}; with --file { text: string }` },
  "change approve": "change_approve",
  "change deny": "change_deny",
  "change comment": "change_comment",
  "change return": "change_return",
  "change withdraw": "withdraw_change",
  "change retry": "change_retry",
  "change dequeue": "change_dequeue",
  "change front": "change_to_front",
  "change revert": "change_revert",
  "change log": "change_log",
  "change checkout": { shape: "{ folder: string, sha: string, change: ChangeView }" },
  files: "file_list",
  file: "file_read",
  cp: {
    shape:
      "{ path: string }; from an agent { to: string, files: number, bytes: number, left: number, left_out: { path: string, kind: string }[] }",
  },
  meta: "meta",
  "meta-update": "meta_update",
  audit: "audit",
  check: "check",
  "operator list": "operators",
  "operator add": "operator_add",
  "operator set": "operator_set",
  "operator remove": "operator_remove",
  "secret set": "secret_set",
  "secret list": "secrets",
  "secret remove": "secret_remove",
  "credential add": "credential_add",
  "credential list": "credentials",
  "credential remove": "credential_remove",
  login: {
    shape: `${shapeOf(operations.login.output)}; with --model LoginStarted, and then with --code ModelLoginView; with --cancel {}`,
  },
  sessions: "sessions",
  logout: { shape: "{}; with --model ModelLoginView" },
  urls: "urls",
  shutdown: "shutdown",
  backup: { shape: "{ backup: BackupView }" },
  migrate: { shape: "{ migration: MigrationView }" },
  restore: {
    shape: "{ restored: { state: string, created_at: string, seq: number, agents: number, aside?: string, secrets?: string[] } }",
  },
};

/** The shape of a schema in TypeScript notation. A named shape inside it is referred to by name. */
function shapeOf(schema: unknown, isTop = true): string {
  const name = NAMES.get(schema);
  if (name !== undefined && !isTop) return name;
  const def = (schema as z.core.$ZodType)._zod.def as unknown as Record<string, unknown> & { type: string };
  const inner = (key: string): string => shapeOf(def[key], false);
  switch (def.type) {
    case "object": {
      const fields = Object.entries(def["shape"] as Record<string, z.core.$ZodType>).map(([key, field]) => {
        const isOptional = field._zod.def.type === "optional";
        return `${key}${isOptional ? "?" : ""}: ${shapeOf(field, false)}`;
      });
      return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
    }
    case "array": {
      const element = inner("element");
      return element.includes(" | ") && !element.startsWith("{") ? `(${element})[]` : `${element}[]`;
    }
    case "optional":
    case "default":
    case "nullable":
      return inner("innerType");
    case "pipe":
      return inner("out");
    case "record":
      return `{ [${inner("keyType")}]: ${inner("valueType")} }`;
    case "union":
      return (def["options"] as unknown[]).map((one) => shapeOf(one, false)).join(" | ");
    case "enum":
      return Object.values(def["entries"] as Record<string, string>)
        .map((one) => JSON.stringify(one))
        .join(" | ");
    case "literal":
      return (def["values"] as unknown[]).map((one) => JSON.stringify(one)).join(" | ");
    default:
      return def.type;
  }
}

/** Makes docs/hivectl-json.md: what every verb prints with --json. */
export function shapesPage(): string {
  const verbs = Object.entries(VERB_OUTPUT).map(([verb, output]) => {
    const shape = typeof output === "string" ? shapeOf(operations[output].output) : output.shape;
    const operation = typeof output === "string" ? `\`${output}\`` : "";
    return `| \`${verb}\` | ${operation} | \`${shape.replaceAll("|", "\\|")}\` |`;
  });
  const shapes = Object.entries(NAMED).map(([name, schema]) => `### ${name}\n\n\`\`\`ts\n${wrapped(shapeOf(schema))}\n\`\`\``);
  return `# What \`hivectl --json\` prints

Made from the contract by \`npm run man\`; a test keeps it current.

One JSON object per line on standard output: an operation's answer, as [wire.md](wire.md) has it, without the envelope. Fields with a \`?\` are absent where they are not known, never null. Instants are RFC 3339 in UTC. 
A verb that does not do what it was asked prints one document \`{ "ok": false, "error": string, "code": string }\`, with the words of standard error and the exit code of the text form; \`tail\` and \`watch\` print it as the last line. \`code\` is the daemon's, or \`failed\`, \`declined\`, \`partial\`, \`unanswered\`, \`timeout\`, \`interrupted\`. What is known besides is in further fields: \`results\` of several agents, \`approval\` of a request that was followed, \`id\`, \`to\`, \`state\` and \`reason\` of a message without an answer.

Characters that could steer a terminal are escaped.

\`PerAgent\` is \`${shapeOf(operations.start.output)}\`; for a single agent a failure is a refusal instead.

| verb | operation | shape |
| --- | --- | --- |
${verbs.join("\n")}

## Shapes

${shapes.join("\n\n")}
`;
}

/** Breaks the first level of a shape into one field or alternative per line. */
function wrapped(shape: string): string {
  let depth = 0;
  let text = "";
  for (const [at, char] of Array.from(shape).entries()) {
    if ("{[(".includes(char)) depth++;
    if ("}])".includes(char)) depth--;
    if (char === "}" && depth === 0) text = `${text.trimEnd()}\n`;
    text += char;
    if (char === "{" && depth === 1) text += "\n ";
    if (char === "," && depth === 1) text += "\n ";
    if (char === "|" && depth === 0 && at > 0) text = `${text.slice(0, -1).trimEnd()}\n|`;
  }
  return text;
}
