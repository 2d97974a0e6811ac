import { z } from "zod";
import { AgentView, QuestionView, TokenCounts } from "./agent.ts";
import { ApprovalView } from "./approval.ts";
import { OverBudget } from "./budget.ts";
import { MessageView } from "./message.ts";
import { ModelLoginView } from "./model-login.ts";
import { MAX_DELTA_CHARS, MAX_FIGURE, MAX_TURN } from "./limits.ts";
import { Id, Instant, Seq } from "./names.ts";
import { PlanView } from "./plan.ts";
import { You } from "./operator-operations.ts";
import { TURN_RESULTS } from "./turn-ends.ts";
import { ChangeView, RepoView } from "./work.ts";

const TurnResult = z.enum(TURN_RESULTS);

/** The number of an agent's turn, from 1. */
export const TurnNumber = z.number().int().min(1).max(MAX_TURN);
/** A figure that a harness reports. */
export const Figure = z.number().min(0).max(MAX_FIGURE);

const TurnEnded = z.object({
  type: z.literal("turn_end"),
  turn: z.number().int(),
  ok: z.boolean(),
  result: TurnResult,
  reason: z.string(),
  duration_ms: z.number(),
  tokens: TokenCounts,
  cost_usd: z.number().optional(),
  /** The credential of its answers. The daemon sets it. */
  credential: z.string().optional(),
  context_tokens: z.number().optional(),
  context_window: z.number().optional(),
});
/** The same as a harness reports it. One from before `result` sends only `ok`. */
const ReportedEnd = TurnEnded.omit({ credential: true }).extend({
  turn: TurnNumber,
  result: TurnResult.optional(),
  duration_ms: Figure,
  tokens: z.object({ input: Figure, output: Figure, cache_read: Figure, cache_write: Figure }),
  cost_usd: Figure.optional(),
  context_tokens: Figure.optional(),
  context_window: Figure.optional(),
});

const TurnStarted = z.object({
  type: z.literal("turn_start"),
  turn: z.number().int(),
  message_id: Id,
  from: z.string(),
  body: z.string(),
  unread: z.number().int(),
  redelivered: z.boolean(),
});
const ReportedStart = TurnStarted.extend({ turn: TurnNumber });

/** The events between a turn's marks. `figure` is the range of a number: what is stored already is not refused. */
const within = <F extends z.ZodNumber>(figure: F) =>
  [
    z.object({
      type: z.literal("session"),
      session_id: z.string(),
      model: z.string(),
      /** MCP servers as the CLI reported them: name → status. */
      mcp: z.record(z.string(), z.string()),
    }),
    z.object({ type: z.literal("text"), text: z.string() }),
    z.object({ type: z.literal("thinking"), text: z.string(), ms: figure.optional() }),
    z.object({ type: z.literal("tool_use"), id: z.string(), name: z.string(), input: z.unknown() }),
    z.object({
      type: z.literal("tool_result"),
      id: z.string(),
      text: z.string(),
      is_error: z.boolean(),
      /** Bytes before truncation; absent if the text is whole. */
      cut_from: figure.optional(),
    }),
    z.object({ type: z.literal("note"), level: z.enum(["info", "warn", "error"]), text: z.string() }),
    z.object({ type: z.literal("compacted"), before_tokens: figure.optional() }),
  ] as const;

/**
 * The events of a turn, in the order of its life cycle:
 *
 *   turn_start ─► (session) ─► (text | thinking | tool_use ─► tool_result | note | compacted)* ─► turn_end
 *
 * The harness reports them, so they are the agent's own claims. Cost and authority come from the daemon.
 */
export const TurnEvent = z.discriminatedUnion("type", [TurnStarted, ...within(z.number()), TurnEnded]);
export type TurnEvent = z.infer<typeof TurnEvent>;

/**
 * A turn event as the harness publishes it. `n` counts from 1 per harness instance; the daemon confirms it. The
 * texts in it are bounded when it is stored (`src/agents/turns.ts`).
 */
export const SpooledEvent = z.object({
  n: z.number().int().min(1),
  at: Instant,
  event: z.discriminatedUnion("type", [ReportedStart, ...within(Figure), ReportedEnd]),
});
export type SpooledEvent = z.infer<typeof SpooledEvent>;

/** A spooled event whose `result` is filled in. */
export type NumberedEvent = Omit<SpooledEvent, "event"> & { event: TurnEvent };

/** A turn event as it is stored and shown. */
export const StoredTurnEvent = z.object({ seq: Seq, agent: z.string(), at: Instant, event: TurnEvent });
export type StoredTurnEvent = z.infer<typeof StoredTurnEvent>;

/**
 * Text while the model writes it: live only, never stored. `reset` drops the partial text of a block that is retried.
 */
export const LiveDelta = z.object({ kind: z.enum(["text", "thinking", "reset"]), text: z.string().max(MAX_DELTA_CHARS) });
export type LiveDelta = z.infer<typeof LiveDelta>;

/** The state of the whole hive. */
export const HiveView = z.object({
  id: z.string(),
  version: z.string(),
  revision: z.string(),
  /** The operator's command, as it can be typed on the host. */
  hivectl: z.string(),
  /** The same, as it can be typed in any folder of the host. Absent in the state of an older daemon. */
  hivectl_anywhere: z.string().optional(),
  mode: z.enum(["rehearsal", "live"]),
  upstream: z.string(),
  scenarios: z.array(z.string()),
  credential: ModelLoginView,
  started_at: Instant,
  tokens_today: z.number(),
  /** US dollars of today's requests that have a price, and how many of them have none. */
  cost_today_usd: z.number(),
  unpriced_today: z.number().int(),
  /** The operator's inbox: the number of unread messages, and the id up to which messages are read. */
  operator_unread: z.number().int(),
  read_up_to: Seq,
  /** The host path of the repository that has one commit per deploy. */
  ledger: z.string(),
  /** Present after one command has stopped everything: when, which operator gave it, and which agents ran. */
  all_stopped: z.object({ at: Instant, by: z.string(), agents: z.array(z.string()) }).optional(),
  /** The limits of the subscription. Absent until an answer has told them. */
  plan: z.array(PlanView).optional(),
  /** Limits that are reached and wait for a decision of the operator, or have got it. */
  over_budget: z.array(OverBudget).optional(),
  banners: z.array(z.object({ level: z.enum(["warn", "error"]), text: z.string() })),
});
export type HiveView = z.infer<typeof HiveView>;

/**
 * The operator's event stream. `message`, `question`, `approval`, `change` and `turn` have a `seq`, from which a client resumes.
 * `you` is the reader with the role that counts now, sent on connect. `agent`, `repo` and `hive` are the latest view (a `repo` without its view was removed); all of them are sent on connect. `delta` is live only. `reset` means that the
 * gap is too long to replay and the client must fetch a new snapshot.
 */
export const HiveEvent = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("message"), seq: Seq, message: MessageView }),
  z.object({ kind: z.literal("question"), seq: Seq, question: QuestionView }),
  z.object({ kind: z.literal("approval"), seq: Seq, approval: ApprovalView }),
  z.object({ kind: z.literal("turn"), seq: Seq, turn: StoredTurnEvent }),
  z.object({ kind: z.literal("change"), seq: Seq, change: ChangeView }),
  z.object({ kind: z.literal("agent"), agent: AgentView }),
  z.object({ kind: z.literal("repo"), name: z.string(), repo: RepoView.optional() }),
  z.object({ kind: z.literal("hive"), hive: HiveView }),
  z.object({ kind: z.literal("you"), you: You }),
  z.object({ kind: z.literal("delta"), agent: z.string(), delta: LiveDelta }),
  z.object({ kind: z.literal("reset"), seq: Seq }),
]);
export type HiveEvent = z.infer<typeof HiveEvent>;

/** `GET /api/state`: everything a page needs to start, consistent as of `seq`. */
export const StateSnapshot = z.object({
  seq: Seq,
  /** Whose snapshot it is. */
  you: You,
  hive: HiveView,
  agents: z.array(AgentView),
  /** The open ones, oldest first. */
  questions: z.array(QuestionView),
  /** Requests that have not ended, oldest first. */
  approvals: z.array(ApprovalView),
  /** Repositories, and changes that have not ended, oldest first. */
  repos: z.array(RepoView),
  changes: z.array(ChangeView),
  /** The newest messages, oldest first. */
  messages: z.array(MessageView),
  /** Dead and held messages, whatever their age: the newest, oldest first. Only the operator can move them. */
  stuck: z.array(MessageView),
  /**
   * Which lists are not complete. `messages`, `questions` and `repos` return the rest, `messages` with `stuck` the stuck
   * ones, `approvals` and `changes` with `open` the older ones.
   */
  more: z
    .object({
      messages: z.boolean(),
      stuck: z.boolean(),
      questions: z.boolean(),
      approvals: z.boolean().optional(),
      changes: z.boolean().optional(),
      repos: z.boolean().optional(),
    })
    .optional(),
});
export type StateSnapshot = z.infer<typeof StateSnapshot>;
