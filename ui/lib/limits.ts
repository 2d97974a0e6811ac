import type { BudgetRow, BudgetScope, OverBudget } from "../../src/wire/budget.ts";
import {
  BUDGET_KINDS,
  budgetAmount,
  budgetLimit,
  CHANGE_KINDS,
  HIVE_KINDS,
  type BudgetKind,
} from "../../src/wire/budget-kinds.ts";
import { DEFAULT_CREDENTIAL } from "../../src/wire/default-credential.ts";

/** Whose limits: the fields that `budget_set` takes. */
export type Subject =
  | { scope: "hive" }
  | { scope: "default" }
  | { scope: "agent"; agent: string }
  | { scope: "credential"; credential: string }
  | { scope: "change"; change: number };

/** The subject as the drawer's address has it behind `limits:`, and as a choice of the form. */
export function subjectKey(of: Subject): string {
  if (of.scope === "agent") return `agent:${of.agent}`;
  if (of.scope === "credential") return `credential:${of.credential}`;
  return of.scope === "change" ? `change:${of.change}` : of.scope;
}

/** The subject of an address; undefined for text that names none. */
export function subjectOf(key: string): Subject | undefined {
  const [scope, name = ""] = key.split(":");
  if (scope === "hive" || scope === "default") return { scope };
  if (name === "") return undefined;
  if (scope === "agent") return { scope, agent: name };
  if (scope === "credential") return { scope, credential: name };
  const change = Number(name);
  return scope === "change" && Number.isSafeInteger(change) && change > 0 ? { scope, change } : undefined;
}

/** The subject of a row. Every row names what its scope has. */
export function subjectOfRow({ scope, agent = "", credential = "", change = 0 }: Of): Subject {
  if (scope === "agent") return { scope, agent };
  if (scope === "credential") return { scope, credential };
  return scope === "change" ? { scope, change } : { scope };
}
type Of = Pick<BudgetRow | OverBudget, "agent" | "credential" | "change"> & { scope: BudgetScope };

/** A subject in words. */
export function subjectWords(of: Subject): string {
  if (of.scope === "agent") return of.agent;
  if (of.scope === "change") return `change ${of.change}`;
  if (of.scope === "credential")
    return of.credential === DEFAULT_CREDENTIAL ? "the hive’s own credential" : `the credential ${of.credential}`;
  return of.scope === "hive" ? "the whole hive" : "each agent, by default";
}

/** The limits that a subject can have. */
export function kindsOf({ scope }: Subject): readonly BudgetKind[] {
  if (scope === "hive" || scope === "credential") return HIVE_KINDS;
  return scope === "change" ? CHANGE_KINDS : BUDGET_KINDS;
}

/** What each limit counts, for a choice. */
export const KIND_WORDS: Readonly<Record<BudgetKind, string>> = {
  cost_per_day_usd: "US dollars a day",
  cost_per_turn_usd: "US dollars a turn",
  output_tokens_per_day: "output tokens a day",
  input_tokens_per_day: "uncached input tokens a day",
  turns_per_hour: "turns an hour",
  messages_per_minute: "messages a minute",
  cost_per_change_usd: "US dollars a change",
  output_tokens_per_change: "output tokens a change",
  input_tokens_per_change: "uncached input tokens a change",
};

/** The limit with what was added to it: `$5.00 a day and $2.00 more`. */
export function rowWords({ limit, allowed, extra }: BudgetRow): string {
  return `${budgetLimit(limit, allowed)}${extra === undefined ? "" : ` and ${budgetAmount(limit, extra)} more`}`;
}

/**
 * True if the operator has set the limit for this very subject, so that it can be removed. A limit of a change that its
 * agent's is, too, is the agent's.
 */
export function isOwn(row: BudgetRow, rows: readonly BudgetRow[]): boolean {
  if (row.scope === "default") return true;
  if (row.from !== "operator") return false;
  return (
    row.scope !== "change" ||
    !rows.some(
      (one) =>
        one.scope === "agent" &&
        one.agent === row.agent &&
        one.limit === row.limit &&
        one.from === "operator" &&
        one.allowed === row.allowed,
    )
  );
}

/** Rows by their subject, in the order in which these come first. */
export function bySubject(rows: readonly BudgetRow[]): [key: string, rows: BudgetRow[]][] {
  const groups = new Map<string, BudgetRow[]>();
  for (const row of rows) {
    const key = subjectKey(subjectOfRow(row));
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups];
}
