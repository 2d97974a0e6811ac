import { z } from "zod";
import { TokenCounts } from "./agent.ts";
import { AgentName, Id, Instant } from "./names.ts";
import { MAX_SEARCH_CHARS, MAX_USAGE_DAYS } from "./limits.ts";
import { MessageView } from "./message.ts";
import { TURN_RESULTS } from "./turn-ends.ts";
import { page, type Operation } from "./operation.ts";

/** A turn as a row of a table. */
export const TurnRow = z.object({
  turn: z.number().int(),
  /** The message that began it. */
  message: Id.optional(),
  from: z.string().optional(),
  started_at: Instant,
  /** Absent while it runs. */
  ended_at: Instant.optional(),
  result: z.enum(TURN_RESULTS).optional(),
  reason: z.string().optional(),
  duration_ms: z.number().optional(),
  tokens: z.number().optional(),
  cost_usd: z.number().optional(),
});
export type TurnRow = z.infer<typeof TurnRow>;

export const StatisticsRange = z.enum(["24h", "7d", "30d"]);
export type StatisticsRange = z.infer<typeof StatisticsRange>;

/** What the turns that ended within one stretch of time came to. */
const Figures = z.object({
  turns: z.number().int(),
  /** Turns that did not end well, by what they count as. */
  failed: z.number().int(),
  parked: z.number().int(),
  cancelled: z.number().int(),
  interrupted: z.number().int(),
  tokens: z.number(),
  cost_usd: z.number(),
  /** Median and 95th percentile of the durations; 0 when there was no turn. Milliseconds. */
  p50_ms: z.number(),
  p95_ms: z.number(),
});
export type Figures = z.infer<typeof Figures>;

export const EgressRow = z.object({
  id: Id,
  at: Instant,
  host: z.string(),
  port: z.number().int(),
  /** `allowed`, or why not. */
  verdict: z.string(),
  bytes_in: z.number(),
  bytes_out: z.number(),
});
export type EgressRow = z.infer<typeof EgressRow>;

/** What the model's answers used. */
const UsageFigures = z.object({
  requests: z.number().int(),
  tokens: TokenCounts,
  /** US dollars of the requests that have a price. */
  cost_usd: z.number(),
  /** Requests to a model that had no price: `cost_usd` does not contain them. */
  unpriced: z.number().int(),
});
export type UsageFigures = z.infer<typeof UsageFigures>;

/** What an agent used of a model on a day. Days are UTC. */
export const UsageRow = UsageFigures.extend({ day: z.iso.date(), agent: z.string(), model: z.string() });
export type UsageRow = z.infer<typeof UsageRow>;

/** The part of the contract that looks back: search, turns, their figures, connections. */
export const historyOperations = {
  search: {
    summary: "Messages that hold every one of these words (by their beginnings), newest first.",
    callers: ["operator"],
    input: z.object({
      ...page,
      words: z.string().min(1).max(MAX_SEARCH_CHARS),
      agent: AgentName.or(z.enum(["operator", "system"])).optional(),
      before: Id.optional(),
    }),
    output: z.object({
      messages: z.array(MessageView),
      /** True while older messages are still being taken into the index: ask again for all of them. */
      indexing: z.boolean(),
    }),
  },
  turns: {
    summary: "The turns of an agent, newest first.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName, before: z.number().int().optional() }),
    output: z.object({ turns: z.array(TurnRow) }),
  },
  statistics: {
    summary: "Turns, tokens, cost and durations of an agent over the last day, week or month.",
    callers: ["operator"],
    input: z.object({ agent: AgentName, range: StatisticsRange }),
    output: z.object({
      total: Figures,
      /** Oldest first, without a gap; `at` is when the stretch begins. */
      buckets: z.array(Figures.extend({ at: Instant })),
    }),
  },
  usage: {
    summary: "Tokens and cost of one agent or of all, by day (UTC) and model, newest first.",
    callers: ["operator"],
    input: z.object({
      agent: AgentName.optional(),
      /** Days with usage, not rows. */
      limit: z.number().int().min(1).max(MAX_USAGE_DAYS).default(14),
      before: z.iso.date().optional(),
    }),
    output: z.object({
      rows: z.array(UsageRow),
      /** The sum of every day, not only of those listed. */
      total: UsageFigures,
      /** True while there are older days: ask again with `before`. */
      more: z.boolean(),
    }),
  },
  egress: {
    summary: "Connections that an agent made or was refused, newest first.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName, before: Id.optional() }),
    output: z.object({ connections: z.array(EgressRow) }),
  },
} as const satisfies Record<string, Operation>;
