import { z } from "zod";
import { Id, Instant } from "./names.ts";
import { TURN_RESULTS } from "./turn-ends.ts";

/** The state of an agent. It has one at a time; the order is the precedence. */
export const AgentState = z.enum([
  "failed",
  "offline",
  "needs_login",
  "paused",
  "rate_limited",
  "compacting",
  "thinking",
  "idle",
]);
export type AgentState = z.infer<typeof AgentState>;

export const AgentRole = z.enum(["manager", "agent"]);
export type AgentRole = z.infer<typeof AgentRole>;

export const TokenCounts = z.object({
  input: z.number(),
  output: z.number(),
  cache_read: z.number(),
  cache_write: z.number(),
});
export type TokenCounts = z.infer<typeof TokenCounts>;

export const LastTurn = z.object({
  turn: z.number().int(),
  result: z.enum(TURN_RESULTS),
  reason: z.string(),
  duration_ms: z.number(),
  ended_at: Instant,
});

/** An agent as the dashboard and `hivectl` show it. An upsert by `name`. */
export const AgentView = z.object({
  id: z.string(),
  name: z.string(),
  role: AgentRole,
  state: AgentState,
  state_since: Instant,
  /** Why the agent is failed, parked or rate limited, in words. */
  state_reason: z.string().optional(),
  /** When a rate limit or a backoff ends. */
  resumes_at: Instant.optional(),
  running: z.boolean(),
  /** True without a process. The next message wakes the agent. Counts as running. */
  asleep: z.boolean(),
  failed: z.boolean(),
  paused: z.boolean(),
  needs_login: z.boolean(),
  /** A limit of its budget, or of the hive's, keeps it from its next turn. Its state is `rate_limited` then. */
  over_budget: z.literal(true).optional(),
  needs_update: z.boolean(),
  destroyed: z.boolean(),
  unread: z.number().int(),
  model: z.string().optional(),
  /** The credential of its requests. Absent for the hive's own. */
  credential: z.string().optional(),
  description: z.string().optional(),
  status_text: z.string().optional(),
  status_set_at: Instant.optional(),
  turn: z.number().int().optional(),
  turn_started_at: Instant.optional(),
  last_turn: LastTurn.optional(),
  context_tokens: z.number().optional(),
  context_window: z.number().optional(),
  tokens_today: z.number(),
  /** US dollars of today's requests that have a price, and how many of them have none. */
  cost_today_usd: z.number(),
  unpriced_today: z.number().int(),
  revision: z.string().optional(),
  /** The deployed commit, in 12 digits; absent before the first deploy. */
  deployed_sha: z.string().optional(),
  created_at: Instant,
  url: z.string(),
  port: z.number().int().optional(),
  /** The request that is being deployed. */
  deploying: Id.optional(),
  /** How the running, the locked and the deployed config differ. */
  drift: z.string().optional(),
  warnings: z.array(z.string()),
  /** What it has done in its workspaces, as the agent's own word. The first one is where its turns begin. */
  work: z
    .array(z.object({ repo: z.string(), branch: z.string().optional(), added: z.number().int(), removed: z.number().int() }))
    .optional(),
  /** The workspace that could not be made, and why. The agent takes no message until it is made or skipped. */
  unready_workspace: z.object({ repo: z.string(), reason: z.string() }).optional(),
});
export type AgentView = z.infer<typeof AgentView>;

/** The row of host.sock version 1. A desktop client already uses it, so names and types are fixed. */
export const AgentStatusRow = z.object({
  name: z.string(),
  running: z.boolean(),
  failed: z.boolean(),
  needs_update: z.boolean(),
  needs_login: z.boolean(),
  pending_reminders: z.number(),
  paused: z.boolean(),
  parent: z.string().optional(),
  deployed_sha: z.string().optional(),
  active_model: z.string().optional(),
  status_text: z.string().optional(),
  status_set_at: Instant.optional(),
  url: z.string().optional(),
});
export type AgentStatusRow = z.infer<typeof AgentStatusRow>;

/** The fixed row, from the view. Absent fields are omitted, never null. */
export function statusRow(agent: AgentView): AgentStatusRow {
  const row: AgentStatusRow = {
    name: agent.name,
    running: agent.running,
    failed: agent.failed,
    needs_update: agent.needs_update,
    needs_login: agent.needs_login,
    pending_reminders: 0,
    paused: agent.paused,
    url: agent.url,
  };
  if (agent.deployed_sha) row.deployed_sha = agent.deployed_sha;
  if (agent.model) row.active_model = agent.model;
  if (agent.running && agent.status_text !== undefined) row.status_text = agent.status_text;
  if (agent.running && agent.status_set_at !== undefined) row.status_set_at = agent.status_set_at;
  return row;
}

export const QuestionView = z.object({
  id: Id,
  seq: z.number().int(),
  agent: z.string(),
  question: z.string(),
  options: z.array(z.string()),
  /** True if the question, an option or the answer is only a beginning. `question` returns the whole. */
  cut: z.boolean().optional(),
  /** The length of the whole question with its options, if `cut`. Bytes of UTF-8. */
  bytes: z.number().int().optional(),
  multi: z.boolean(),
  state: z.enum(["open", "answered", "expired", "cancelled"]),
  answer: z.string().optional(),
  asked_at: Instant,
  expires_at: Instant.optional(),
  closed_at: Instant.optional(),
  /** The operator who answered or cancelled it. */
  closed_by: z.string().optional(),
});
export type QuestionView = z.infer<typeof QuestionView>;
