import { z } from "zod";
import { BUDGET_KINDS, BUDGET_RANGES, type BudgetKind } from "./budget-kinds.ts";
import { strict } from "./config-values.ts";
import { DEFAULT_CREDENTIAL } from "./default-credential.ts";
import { AgentName, CredentialName, Id, Instant } from "./names.ts";
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
  cost_per_change_usd: amount("cost_per_change_usd").optional(),
  output_tokens_per_change: count("output_tokens_per_change").optional(),
  input_tokens_per_change: count("input_tokens_per_change").optional(),
});
export type Budget = z.infer<typeof Budget>;

const Kind = z.enum(BUDGET_KINDS);

/**
 * Whose budget: one agent's, the sum of the hive's, that of the agents of a credential, that of the work on a change, or
 * what every agent has that nothing else says.
 */
export const BudgetScope = z.enum(["agent", "hive", "default", "credential", "change"]);
export type BudgetScope = z.infer<typeof BudgetScope>;
/** The name of the scope, by its kind. The hive and the default have none. */
const named = {
  agent: AgentName.optional(),
  credential: z.union([z.literal(DEFAULT_CREDENTIAL), CredentialName]).optional(),
  change: Id.optional(),
};
const about = { scope: BudgetScope, ...named };

/** A limit that counts, and how much of it is used. */
export const BudgetRow = z.object({
  scope: BudgetScope,
  /** The agent, or the one that works on the change. */
  agent: z.string().optional(),
  credential: z.string().optional(),
  change: Id.optional(),
  limit: Kind,
  allowed: z.number(),
  /** What the operator has added for the running period. */
  extra: z.number().optional(),
  /** Absent for the default and for limits of each change, which count by themselves for each. */
  used: z.number().optional(),
  /** Who has set it: the operator, the agent's config, or the hive's default. */
  from: z.enum(["operator", "config", "default"]),
  /** The operator has lifted it for the day, or for the change. */
  lifted: z.literal(true).optional(),
  resets_at: Instant.optional(),
});
export type BudgetRow = z.infer<typeof BudgetRow>;

/** A limit that has been reached. It stops the agents of its scope. */
export const OverBudget = z.object({
  scope: BudgetScope.exclude(["default"]),
  agent: z.string().optional(),
  credential: z.string().optional(),
  change: Id.optional(),
  limit: Kind,
  used: z.number(),
  allowed: z.number(),
  /** What `raise` adds, unless it says another amount. */
  raise: z.number(),
  since: Instant,
  /** When it counts from the beginning. Absent for a limit per turn or change, which ends only by a decision. */
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
    summary:
      "Set limits of an agent, of the hive, of a credential, of a change, or the default of every agent. They count at once.",
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
    summary:
      "Decide on a limit that is reached: raise it for its period, lift it until midnight (of a change: for as long as it is open), or leave what it stops stopped.",
    callers: ["operator"],
    input: z.object({
      scope: BudgetScope.exclude(["default"]),
      ...named,
      /** Absent: the one that is reached. */
      limit: Kind.optional(),
      answer: z.enum(["raise", "lift", "stop"]),
      /** How much `raise` adds. */
      by: z.number().positive().max(1_000_000_000_000).optional(),
    }),
    output: z.object({ limit: Kind, rows: z.array(BudgetRow) }),
  },
} as const satisfies Record<string, Operation>;
