import { z } from "zod";
import { BUDGET_KINDS, BUDGET_RANGES, type BudgetKind } from "./budget-kinds.ts";
import { strict } from "./config-values.ts";
import { AgentName, Instant } from "./names.ts";
import { PlanView } from "./plan.ts";
import { nothing, type Operation } from "./operation.ts";

const amount = (kind: BudgetKind) => z.number().min(BUDGET_RANGES[kind][0]).max(BUDGET_RANGES[kind][1]);
const count = (kind: BudgetKind) => amount(kind).int();

/**
 * What an agent may spend, each limit for itself. An absent limit is none. Days are the operator's, an hour begins with
 * the clock's hour. Tokens of input are those that no cache has served.
 */
export const Budget = strict({
  cost_per_day_usd: amount("cost_per_day_usd").optional(),
  cost_per_turn_usd: amount("cost_per_turn_usd").optional(),
  output_tokens_per_day: count("output_tokens_per_day").optional(),
  input_tokens_per_day: count("input_tokens_per_day").optional(),
  turns_per_hour: count("turns_per_hour").optional(),
  messages_per_minute: count("messages_per_minute").optional(),
});
export type Budget = z.infer<typeof Budget>;

const Kind = z.enum(BUDGET_KINDS);

/** Whose budget: one agent's, the sum of the hive's, or what every agent has that nothing else says. */
export const BudgetScope = z.enum(["agent", "hive", "default"]);
export type BudgetScope = z.infer<typeof BudgetScope>;
const about = { scope: BudgetScope, agent: AgentName.optional() };

/** A limit that counts, and how much of it is used. */
export const BudgetRow = z.object({
  scope: BudgetScope,
  /** Absent for the hive and for the default. */
  agent: z.string().optional(),
  limit: Kind,
  allowed: z.number(),
  /** What the operator has added for the running period. */
  extra: z.number().optional(),
  /** Absent for the default, which counts for each agent. */
  used: z.number().optional(),
  /** Who has set it: the operator, the agent's config, or the hive's default. */
  from: z.enum(["operator", "config", "default"]),
  /** The operator has lifted it for the day. */
  lifted: z.literal(true).optional(),
  resets_at: Instant.optional(),
});
export type BudgetRow = z.infer<typeof BudgetRow>;

/** A limit that has been reached. It stops one agent, or all if it is the hive's. */
export const OverBudget = z.object({
  scope: z.enum(["agent", "hive"]),
  agent: z.string().optional(),
  limit: Kind,
  used: z.number(),
  allowed: z.number(),
  /** What `raise` adds, unless it says another amount. */
  raise: z.number(),
  since: Instant,
  /** When it counts from the beginning. Absent for a limit per turn, which ends only by a decision. */
  resets_at: Instant.optional(),
  /** When the operator's day ends. */
  midnight: Instant,
  /** The operator has decided that the agent waits. */
  stopped_by: z.string().optional(),
});
export type OverBudget = z.infer<typeof OverBudget>;

/** Operations on budgets. */
export const budgetOperations = {
  budget: {
    summary: "The limits that count, with what is used of each, and those that are reached.",
    callers: ["operator"],
    input: nothing,
    output: z.object({
      /** The time zone of the operator's days. */
      time_zone: z.string(),
      rows: z.array(BudgetRow),
      over: z.array(OverBudget),
      /** The limits of the subscription, if an answer of the model has told them. */
      plan: z.array(PlanView).optional(),
    }),
  },
  budget_set: {
    summary: "Set limits of an agent, of the hive, or the default of every agent. They count at once.",
    callers: ["operator"],
    input: z.object({
      ...about,
      limits: Budget.default({}),
      /** Limits that the operator sets no longer. Those of the config and of the default count again. */
      remove: z.array(Kind).max(BUDGET_KINDS.length).default([]),
    }),
    output: z.object({ rows: z.array(BudgetRow) }),
  },
  budget_answer: {
    summary: "Decide on a limit that is reached: raise it for its period, lift it until midnight, or leave the agent stopped.",
    callers: ["operator"],
    input: z.object({
      scope: z.enum(["agent", "hive"]),
      agent: AgentName.optional(),
      /** Absent: the one that is reached. */
      limit: Kind.optional(),
      answer: z.enum(["raise", "lift", "stop"]),
      /** How much `raise` adds. */
      by: z.number().positive().max(1_000_000_000_000).optional(),
    }),
    output: z.object({ limit: Kind, rows: z.array(BudgetRow) }),
  },
} as const satisfies Record<string, Operation>;
