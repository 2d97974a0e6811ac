import { z } from "zod";
import { CHANGE_STATES } from "./change-states.ts";
import { TokenCounts } from "./agent.ts";
import { AgentName, Id, Instant } from "./names.ts";
import { MAX_SEARCH_CHARS, MAX_USAGE_DAYS, MAX_USAGE_SUM_DAYS } from "./limits.ts";
import { messagePage } from "./message.ts";
import { TURN_RESULTS } from "./turn-ends.ts";
import { page, pageEnd, type Operation } from "./operation.ts";

/** A turn as a table row. */
export const TurnRow = z.object({
  turn: z.number().int(),
  /** The message that started the turn. */
  message: Id.optional(),
  from: z.string().optional(),
  started_at: Instant,
  /** Absent while the turn runs. */
  ended_at: Instant.optional(),
  result: z.enum(TURN_RESULTS).optional(),
  reason: z.string().optional(),
  duration_ms: z.number().optional(),
  tokens: z.number().optional(),
  cost_usd: z.number().optional(),
  /** The credential of its answers. Absent for a turn without one, and while it runs. */
  credential: z.string().optional(),
});
export type TurnRow = z.infer<typeof TurnRow>;

export const StatisticsRange = z.enum(["24h", "7d", "30d"]);
export type StatisticsRange = z.infer<typeof StatisticsRange>;

/** Totals of the turns that ended within a period. */
const Figures = z.object({
  turns: z.number().int(),
  /** Turns that did not succeed, by result. */
  failed: z.number().int(),
  parked: z.number().int(),
  cancelled: z.number().int(),
  interrupted: z.number().int(),
  tokens: z.number(),
  /** US dollars of the turns that have a price, and how many turns used a model without one. */
  cost_usd: z.number(),
  unpriced: z.number().int(),
  /** Median and 95th percentile of the durations; 0 without turns. Milliseconds. */
  p50_ms: z.number(),
  p95_ms: z.number(),
});
export type Figures = z.infer<typeof Figures>;

export const EgressRow = z.object({
  id: Id,
  at: Instant,
  host: z.string(),
  port: z.number().int(),
  /** `allowed`, or the reason for the refusal. */
  verdict: z.string(),
  /** True if it was denied for not being on the agent's list, and is on it by now. */
  listed: z.literal(true).optional(),
  bytes_in: z.number(),
  bytes_out: z.number(),
  /** Set if it is a call to an API door. `status` is the answer's. */
  call: z.object({ api: z.string(), method: z.string(), path: z.string(), status: z.number().int().optional() }).optional(),
});
export type EgressRow = z.infer<typeof EgressRow>;

/** The time zone of the days. */
const TimeZoneName = z.string();

/** Usage of the model's answers. */
const UsageFigures = z.object({
  requests: z.number().int(),
  tokens: TokenCounts,
  /** US dollars of the requests that have a price. */
  cost_usd: z.number(),
  /** Requests to models without a price. `cost_usd` does not include them. */
  unpriced: z.number().int(),
});
export type UsageFigures = z.infer<typeof UsageFigures>;

/** An agent's usage of one model with one credential on one day of the operator. */
export const UsageRow = UsageFigures.extend({ day: z.iso.date(), agent: z.string(), model: z.string(), credential: z.string() });
export type UsageRow = z.infer<typeof UsageRow>;

/** What usage can be summed by. */
export const USAGE_KEYS = ["day", "agent", "model", "credential"] as const;
export type UsageKey = (typeof USAGE_KEYS)[number];

/** A sum of usage. It has the keys that it was summed by. Days are the operator's. */
export const UsageSumRow = UsageFigures.extend({
  day: z.iso.date().optional(),
  agent: z.string().optional(),
  model: z.string().optional(),
  credential: z.string().optional(),
});
export type UsageSumRow = z.infer<typeof UsageSumRow>;

/** What the turns of an agent have used from the first push of a change's branch to the change's end. */
export const ChangeUsageRow = z.object({
  change: Id,
  repo: z.string(),
  title: z.string(),
  agent: z.string(),
  state: z.enum(CHANGE_STATES),
  turns: z.number().int(),
  tokens: z.number(),
  /** US dollars of the turns that have a price. */
  cost_usd: z.number(),
  /** Turns that used a model without a price. */
  unpriced: z.number().int(),
});
export type ChangeUsageRow = z.infer<typeof ChangeUsageRow>;

/** The operations that read history: search, turns, their figures, connections. */
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
      ...messagePage,
      /** True while older messages are still being indexed. Ask again later for complete results. */
      indexing: z.boolean(),
    }),
  },
  turns: {
    summary: "The turns of an agent, newest first.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName, before: z.number().int().optional() }),
    output: z.object({ turns: z.array(TurnRow), ...pageEnd }),
  },
  statistics: {
    summary: "Turns, tokens, cost and durations of an agent over the last day, week or month.",
    callers: ["operator"],
    input: z.object({ agent: AgentName, range: StatisticsRange }),
    output: z.object({
      total: Figures,
      /** Oldest first, without gaps. `at` is the start of the bucket. */
      buckets: z.array(Figures.extend({ at: Instant })),
    }),
  },
  usage: {
    summary: "Tokens and cost of one agent or of all, by day of the operator, model and credential, newest first.",
    callers: ["operator"],
    input: z.object({
      agent: AgentName.optional(),
      /** Days with usage, not rows. */
      limit: z.number().int().min(1).max(MAX_USAGE_DAYS).default(14),
      before: z.iso.date().optional(),
    }),
    output: z.object({
      rows: z.array(UsageRow),
      time_zone: TimeZoneName,
      /** The sum over all days, not only over those listed. */
      total: UsageFigures,
      /** True if there are older days. Ask again with `before`. */
      more: z.boolean(),
    }),
  },
  usage_sums: {
    summary: "Tokens and cost of the last days, summed by day of the operator, agent, model, credential or several of them.",
    callers: ["operator"],
    input: z.object({
      /** Days up to today, with or without usage. */
      days: z.number().int().min(1).max(MAX_USAGE_SUM_DAYS).default(30),
      by: z.array(z.enum(USAGE_KEYS)).min(1).max(USAGE_KEYS.length),
      agent: AgentName.optional(),
    }),
    output: z.object({
      /** The first and the last day of the period. */
      since: z.iso.date(),
      until: z.iso.date(),
      time_zone: TimeZoneName,
      /** Newest day first, and within it the most expensive first. */
      rows: z.array(UsageSumRow),
      /** The sum over the whole period, also of what is not in `rows`. */
      total: UsageFigures,
      /** True if the smallest or oldest sums are left out. Ask for fewer days or keys. */
      more: z.boolean(),
    }),
  },
  change_usage: {
    summary: "What changes of the last days have cost: the turns from the first push to a change's end.",
    callers: ["operator"],
    input: z.object({ days: z.number().int().min(1).max(MAX_USAGE_SUM_DAYS).default(30) }),
    output: z.object({
      since: z.iso.date(),
      until: z.iso.date(),
      time_zone: TimeZoneName,
      /**
       * The newest changes that had not ended before, the most expensive first. A turn that two changes of an agent share
       * is in both rows, so there is no total.
       */
      rows: z.array(ChangeUsageRow),
      more: z.boolean(),
    }),
  },
  egress: {
    summary: "Connections that an agent made or was refused, newest first.",
    callers: ["operator"],
    input: z.object({ ...page, agent: AgentName, before: Id.optional() }),
    output: z.object({ connections: z.array(EgressRow), ...pageEnd }),
  },
} as const satisfies Record<string, Operation>;
