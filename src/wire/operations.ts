import { z } from "zod";
import { AgentRole, AgentStatusRow, AgentView, QuestionView } from "./agent.ts";
import { BackupProgress, BackupView } from "./backup.ts";
import { budgetOperations } from "./budget.ts";
import { approvalOperations } from "./approval-operations.ts";
import { RiskMark, TreeFile } from "./approval.ts";
import { AgentConfig } from "./config.ts";
import { migrationOperations } from "./migration.ts";
import { modelCredentialOperations } from "./model-credentials.ts";
import { modelLoginOperations } from "./model-login.ts";
import { historyOperations } from "./history-operations.ts";
import { fileOperations } from "./file-operations.ts";
import { ModelName } from "./config-values.ts";
import { HiveEvent, StateSnapshot, StoredTurnEvent } from "./event.ts";
import { harnessOperations } from "./harness-operations.ts";
import {
  MAX_CLIENT_ID_CHARS,
  MAX_CONFIG_BYTES,
  MAX_OPTIONS,
  MAX_PAGE_ROWS,
  MAX_PATH_CHARS,
  MAX_QUESTION_BYTES,
  MAX_QUESTION_CHARS,
  MAX_RECV_WAIT_SECONDS,
  MAX_STATUS_CHARS,
} from "./limits.ts";
import { LoopView } from "./loops.ts";
import { agentOnly, note, nothing, page, PerAgent, Scope, type Caller, type Operation } from "./operation.ts";
export type { Caller } from "./operation.ts";
import { Body, LeasedMessage, messagePage, MessageView, Sent, utf8Bytes } from "./message.ts";
import { AgentName, Id, Instant, NewAgentName, Recipient, Seq } from "./names.ts";
import { RepoAccess, RepoName } from "./work.ts";
import { messageListing } from "./message-listing.ts";
import { passkeyOperations } from "./passkeys.ts";
import { operatorOperations } from "./operator-operations.ts";
import { secretOperations } from "./secrets.ts";
import { workOperations } from "./work-operations.ts";

export const operations = {
  // ── messages ──────────────────────────────────────────────────────────────────────────────────────────────
  send: {
    summary: "Send a message. Answers once it is on stable storage.",
    callers: ["operator", "agent"],
    reply: "by_call",
    takesIn: true,
    input: z.object({
      to: Recipient,
      body: Body,
      in_reply_to: Id.optional(),
      client_id: z.string().min(1).max(MAX_CLIENT_ID_CHARS).optional(),
    }),
    output: Sent,
  },
  recv: {
    summary: "Take the next message of this agent's inbox into the running turn; with wait, until one comes.",
    callers: ["agent"],
    input: z.object({ wait: z.number().min(0).max(MAX_RECV_WAIT_SECONDS).optional() }),
    output: z.object({ message: LeasedMessage.optional(), token: z.string().optional(), unread: z.number().int() }),
  },
  inbox: {
    summary: "Messages to the operator, newest last.",
    callers: ["operator"],
    input: z.object({ ...page, before: Id.optional(), unread: z.boolean().optional() }),
    output: z.object({ ...messagePage, unread: z.number().int(), read_up_to: Seq }),
  },
  mark_read: {
    summary: "Mark the operator's messages up to an id as read.",
    callers: ["operator"],
    input: z.object({ up_to: Id }),
    output: z.object({ unread: z.number().int() }),
  },
  ...messageListing,
  message: {
    summary: "One message with all of its text. Listings and events have the beginning of a long one.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ message: MessageView }),
  },
  message_retry: {
    summary: "Put a dead message back into its inbox.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ message: MessageView }),
  },
  message_drop: {
    summary: "Drop a message that has not been delivered.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ message: MessageView }),
  },
  chain_resume: {
    summary: "Let a chain of messages go on that the loop brake has paused.",
    callers: ["operator"],
    input: z.object({ chain: Id }),
    output: z.object({ released: z.number().int() }),
  },
  loops: {
    summary: "Agents that message one another in circles in chains that go on, newest first, with what it has cost.",
    callers: ["operator"],
    input: z.object({}),
    output: z.object({
      loops: z.array(LoopView),
      /** What a loop may use before it is held: US dollars, or tokens of output. */
      limit: z.object({ usd: z.number(), output_tokens: z.number() }),
    }),
  },

  // ── questions ─────────────────────────────────────────────────────────────────────────────────────────────
  ask_operator: {
    summary: "Ask the operator. Returns an id at once; the answer arrives as a message.",
    callers: ["agent"],
    takesIn: true,
    input: z
      .object({
        question: z.string().min(1).max(MAX_QUESTION_CHARS),
        options: z.array(z.string().min(1).max(MAX_QUESTION_CHARS)).max(MAX_OPTIONS).optional(),
        multi: z.boolean().optional(),
        ttl_seconds: z
          .number()
          .int()
          .min(10)
          .max(30 * 24 * 3600)
          .optional(),
      })
      .refine(
        ({ question, options = [] }) => utf8Bytes(question + options.join("")) <= MAX_QUESTION_BYTES,
        `a question and its options have at most ${MAX_QUESTION_BYTES} bytes together; put long texts in a file under /state`,
      ),
    output: z.object({ question_id: Id }),
  },
  questions: {
    summary: "Questions that wait for the operator, oldest first; with all the newest, closed ones too.",
    callers: ["operator"],
    input: z.object({
      all: z.boolean().optional(),
      /** Only newer ones. */
      after: Id.optional(),
      /** Only older ones. */
      before: Id.optional(),
    }),
    output: z.object({
      questions: z.array(QuestionView),
      /** True if there are more: ask again with `after` the last id here, with `all` with `before` the first. */
      more: z.boolean().optional(),
    }),
  },
  question: {
    summary: "One question with all of its text. Listings and events have the beginning of a long one.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ question: QuestionView }),
  },
  answer: {
    summary: "Answer a question: options by their text, free text, or both.",
    callers: ["operator"],
    input: z.object({
      id: Id,
      options: z.array(z.string()).max(MAX_OPTIONS).optional(),
      text: z.string().max(MAX_QUESTION_CHARS).optional(),
    }),
    output: z.object({ question: QuestionView }),
  },
  question_cancel: {
    summary: "Close a question without an answer; the agent that asked gets a message.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: z.object({ question: QuestionView }),
  },

  // ── the agent about itself ────────────────────────────────────────────────────────────────────────────────
  set_status: {
    summary: "Say in one line what this agent is doing.",
    callers: ["agent"],
    input: z.object({ text: z.string().max(MAX_STATUS_CHARS) }),
    output: nothing,
  },
  whoami: {
    summary: "Name, role, model and reachable recipients of this agent.",
    callers: ["agent"],
    input: nothing,
    output: z.object({
      name: z.string(),
      role: AgentRole,
      model: z.string(),
      description: z.string(),
      recipients: z.array(z.string()),
      repos: z.array(z.object({ name: RepoName, access: RepoAccess })),
      unread: z.number().int(),
    }),
  },
  wake: {
    summary: "Put a message into this agent's own inbox, from a program in its cage; shows as <agent>/<label>.",
    callers: ["agent"],
    takesIn: true,
    input: z.object({
      from: z.string().regex(/^[a-z0-9][a-z0-9_.-]{0,31}$/, "a label is 1 to 32 of a-z, 0-9, '_', '.', '-'"),
      body: Body,
    }),
    output: z.object({ message_id: Id }),
  },
  list_agents: {
    summary: "The agents of this hive with their state.",
    callers: ["manager"],
    input: nothing,
    output: z.object({
      agents: z.array(
        z.object({
          name: z.string(),
          state: z.string(),
          status: z.string().optional(),
          description: z.string().optional(),
          unread: z.number().int(),
        }),
      ),
    }),
  },

  // ── lifecycle ─────────────────────────────────────────────────────────────────────────────────────────────
  spawn: {
    summary: "Create an agent and start it.",
    callers: ["operator"],
    takesIn: true,
    input: z.object({
      name: NewAgentName,
      description: note.optional(),
      config: AgentConfig.optional(),
      instructions: z.string().max(MAX_CONFIG_BYTES).optional(),
      note: note.optional(),
    }),
    /** With what an operator should not miss in the config, worst first. */
    output: z.object({ agent: AgentView, risks: z.array(RiskMark) }),
  },
  start: {
    summary: "Start agents that are stopped.",
    callers: ["operator", "manager"],
    input: z.object({ scope: Scope }),
    output: PerAgent,
  },
  stop: {
    summary: "Stop agents; graceful lets a running turn finish (30 s).",
    callers: ["operator"],
    input: z.object({ scope: Scope, graceful: z.boolean().default(true) }),
    output: PerAgent,
  },
  stop_all: {
    summary:
      "Stop every agent, the manager too, and remember which of them ran. Deploys that the ledger does not hold yet are given up.",
    callers: ["operator"],
    input: z.object({ graceful: z.boolean().default(true) }),
    output: PerAgent,
  },
  start_what_ran: {
    summary: "Start exactly the agents that ran when everything was stopped.",
    callers: ["operator"],
    input: nothing,
    output: PerAgent,
  },
  restart: { summary: "Stop and start an agent.", callers: ["operator", "manager"], input: agentOnly, output: nothing },
  kill: {
    summary: "Stop an agent at once; its message goes back to its inbox.",
    callers: ["operator", "manager"],
    input: agentOnly,
    output: nothing,
  },
  destroy: {
    summary: "Remove an agent. Keeps its state and history unless purge; the manager cannot be destroyed.",
    callers: ["operator"],
    input: z.object({ name: AgentName, purge: z.boolean().default(false), note: note.optional() }),
    output: nothing,
  },
  revive: {
    summary: "Bring a destroyed agent back with its state.",
    callers: ["operator"],
    takesIn: true,
    input: agentOnly.extend({ note: note.optional() }),
    output: z.object({ agent: AgentView }),
  },
  set_paused: {
    summary: "Pause or resume an agent; while paused its messages queue. Works on a stopped agent.",
    callers: ["operator"],
    input: z.object({ name: AgentName, paused: z.boolean() }),
    output: nothing,
  },

  // ── a running turn ────────────────────────────────────────────────────────────────────────────────────────
  cancel: {
    summary: "Cancel the running turn. Its message is dropped; with return it goes back and the agent pauses.",
    callers: ["operator"],
    input: z.object({ name: AgentName, return: z.boolean().default(false) }),
    output: z.object({ cancelled: z.boolean() }),
  },
  compact: { summary: "Compact the agent's session.", callers: ["operator"], input: agentOnly, output: nothing },
  model: {
    summary: "Set the model, until a deploy changes it.",
    callers: ["operator"],
    input: z.object({ name: AgentName, model: z.string().min(1, "name a model").pipe(ModelName) }),
    /** `note`: the hive does not know the model. */
    output: z.object({ note: z.string().optional() }),
  },
  new_session: { summary: "Begin a new session with the next turn.", callers: ["operator"], input: agentOnly, output: nothing },

  ...approvalOperations,
  ...historyOperations,
  ...budgetOperations,
  ...workOperations,
  ...fileOperations,

  // ── looking ───────────────────────────────────────────────────────────────────────────────────────────────
  list: {
    summary: "Names of the agents.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ agents: z.array(z.string()) }),
  },
  agent_status: {
    summary: "A status row per agent.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ agent_statuses: z.array(AgentStatusRow) }),
  },
  subscribe_agent_status: {
    summary: "A status row whenever one changes.",
    callers: ["operator"],
    stream: true,
    input: nothing,
    output: z.object({ agent_statuses: z.array(AgentStatusRow).optional() }),
  },
  urls: {
    summary: "Where the dashboard is, and the agents' own pages.",
    callers: ["operator"],
    input: nothing,
    output: z.object({
      urls: z.object({
        home: z.string(),
        domain: z.string().optional(),
        /** Name → address of the page on the agent's own port. Only pages that are served. */
        agents: z.record(z.string(), z.string()).optional(),
      }),
    }),
  },
  state: {
    summary: "A snapshot of the whole hive.",
    callers: ["operator"],
    input: z.object({ messages: z.number().int().min(0).max(MAX_PAGE_ROWS).default(100) }),
    output: z.object({ state: StateSnapshot }),
  },
  turn_events: {
    summary: "Turn events of one agent, oldest first, the newest page unless before is given.",
    callers: ["operator"],
    input: z.object({ agent: AgentName, before: Seq.optional(), limit: z.number().int().min(1).max(MAX_PAGE_ROWS).default(200) }),
    output: z.object({ events: z.array(StoredTurnEvent), more: z.boolean() }),
  },
  watch: {
    summary: "The event stream: what came after a position, then live.",
    callers: ["operator"],
    stream: true,
    input: z.object({
      after: Seq.optional(),
      agent: AgentName.optional(),
      kinds: z.array(z.enum(["message", "question", "approval", "change", "turn", "agent", "repo", "hive", "delta"])).optional(),
    }),
    output: z.object({ event: HiveEvent.optional() }),
  },
  logs: {
    summary: "The last lines of an agent's cage log; or what comes after a position, as soon as there is something.",
    callers: ["operator"],
    input: z.object({
      name: AgentName,
      lines: z.number().int().min(1).max(5000).default(200),
      /** A position of an earlier answer. Waits up to half a minute until the log has more. */
      after: z.number().int().min(0).optional(),
      /** What the system of its container has logged, in place of its program. It has no positions: 0 is answered. */
      system: z.boolean().default(false),
    }),
    output: z.object({ lines: z.array(z.string()), position: z.number().int() }),
  },
  journal: {
    summary: "What the system in an agent's cage has logged last, then each new line as it comes.",
    callers: ["operator"],
    stream: true,
    input: z.object({ name: AgentName, lines: z.number().int().min(1).max(1000).default(200) }),
    output: z.object({ lines: z.array(z.string()) }),
  },
  config: {
    summary: "The config tree of an agent: the deployed one, or that of a request.",
    callers: ["operator"],
    input: agentOnly.extend({ request: Id.optional() }),
    output: z.object({
      files: z.array(
        z.object({
          path: z.string(),
          mode: TreeFile.shape.mode.optional(),
          /** The content as text. For other files and for links, `base64` has the bytes. */
          text: z.string(),
          base64: z.string().optional(),
        }),
      ),
    }),
  },
  tombstones: {
    summary: "Destroyed agents whose state is kept.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ agents: z.array(z.object({ name: z.string(), destroyed_at: Instant, bytes: z.number() })) }),
  },

  // ── operators and their doors ───────────────────────────────────────────────────────────────────────────────
  ...operatorOperations,
  ...secretOperations,
  ...modelCredentialOperations,
  ...passkeyOperations,
  login: {
    summary: "A one-time launch URL for the dashboard, for the operator who asks.",
    callers: ["operator"],
    input: nothing,
    output: z.object({ url: z.string(), expires_at: Instant }),
  },
  sessions: {
    summary: "Browser sessions that are logged in.",
    callers: ["operator"],
    input: nothing,
    output: z.object({
      sessions: z.array(
        z.object({ id: Id, operator: z.string(), created_at: Instant, last_seen_at: Instant, user_agent: z.string() }),
      ),
    }),
  },
  session_revoke: {
    summary: "End a browser session of one's own; an admin ends any.",
    callers: ["operator"],
    input: z.object({ id: Id }),
    output: nothing,
  },
  ...modelLoginOperations,
  ...migrationOperations,
  backup: {
    summary: "Copy the whole hive into a new folder while it runs; tells how far it is, and at the end what was written.",
    callers: ["operator"],
    // Served on host.sock only: a page must not name folders of the host.
    stream: true,
    input: z.object({ to: z.string().min(1).max(MAX_PATH_CHARS) }),
    output: z.object({ progress: BackupProgress.optional(), backup: BackupView.optional() }),
  },
  shutdown: { summary: "Stop the cages, then the daemon.", callers: ["operator"], input: nothing, output: nothing },

  ...harnessOperations,
} as const satisfies Record<string, Operation>;

export type Operations = typeof operations;
export type OperationName = keyof Operations;
/** What a caller writes: fields with defaults may be absent. */
export type Input<N extends OperationName> = z.input<Operations[N]["input"]>;
/** What a handler gets after parsing. */
export type Parsed<N extends OperationName> = z.output<Operations[N]["input"]>;
export type Output<N extends OperationName> = z.output<Operations[N]["output"]>;

/** Whether an operation is refused while the disk is nearly full. */
export function takesIn(name: OperationName): boolean {
  return "takesIn" in operations[name];
}

/** Operations that a caller may use. */
export function operationsOf(caller: Caller): OperationName[] {
  const names = Object.keys(operations) as OperationName[];
  return names.filter((name) => (operations[name].callers as readonly Caller[]).includes(caller));
}
