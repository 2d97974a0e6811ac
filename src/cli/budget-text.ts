import { hivectl } from "../lib/hivectl.ts";
import type { BudgetRow, OverBudget } from "../wire/budget.ts";
import { budgetAmount, budgetLimit, isOfChange } from "../wire/budget-kinds.ts";
import type { PlanView } from "../wire/plan.ts";
import { clean, type View } from "./print.ts";
import { table } from "./table.ts";

const FROM: Record<BudgetRow["from"], string> = { operator: "you", config: "agent.json", default: "default" };

/** Whose limit it is, as a word. */
function whose({ scope, agent = "", credential, change }: BudgetRow): string {
  if (scope === "credential") return `credential ${credential ?? ""}`;
  if (scope === "change") return `change ${change ?? ""} (${agent})`;
  return scope === "hive" ? "the whole hive" : scope === "default" ? "every agent" : agent;
}

/** The limits as table rows. */
export function budgetTable(rows: readonly BudgetRow[], { paint, width }: View): string {
  return table(
    rows,
    [
      { title: "OF", value: whose, colour: (one) => (one.scope === "agent" ? "bold" : "dim") },
      { title: "LIMIT", value: (one) => budgetLimit(one.limit, one.allowed) },
      {
        title: "USED",
        value: (one) => (one.used === undefined ? "" : budgetAmount(one.limit, one.used)),
        colour: (one) => (isOver(one) ? "amber" : undefined),
      },
      { title: "EXTRA", value: extraWords, spare: 1 },
      { title: "SET BY", value: (one) => FROM[one.from], spare: 3 },
      { title: "RESETS", value: (one) => (one.resets_at === undefined ? "" : localTime(one.resets_at)), spare: 2 },
    ],
    width,
    paint,
  );
}

const isOver = ({ used, allowed, extra = 0, lifted }: BudgetRow): boolean =>
  lifted !== true && used !== undefined && used >= allowed + extra;

function extraWords({ limit, extra, lifted }: BudgetRow): string {
  if (lifted === true) return isOfChange(limit) ? "lifted" : "lifted for today";
  return extra === undefined ? "" : `+${budgetAmount(limit, extra)}`;
}

/** `23:00`, or with its day if that is another one. */
export function localTime(at: string, now = new Date()): string {
  const time = new Date(at);
  const clock = time.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return time.toDateString() === now.toDateString() ? clock : `${time.toLocaleDateString("en-CA")} ${clock}`;
}

/** The limits of the subscription, a line each: `plan 5h: 42 % used, counts anew at 15:00`. */
export const planLines = (plan: readonly PlanView[] = []): string[] =>
  plan.map(({ window, used, credential, resets_at: resets }) => {
    const anew = resets === undefined ? "" : `, counts anew at ${localTime(resets)}`;
    return `plan ${credential === undefined ? "" : `${clean(credential)} `}${clean(window)}: ${Math.round(used * 100)} % used${anew}`;
  });

/** What is over a limit and waits for a decision, a line each, with the verbs that decide. */
export function overLines(over: readonly OverBudget[], { paint }: Pick<View, "paint">): string[] {
  return over.map((one) => {
    const [name, subject] = [budgetOf(one), subjectOf(one)];
    const used = `${subject} ${one.scope === "credential" ? "have" : "has"} used ${budgetAmount(one.limit, one.used)} of ${budgetLimit(one.limit, one.allowed)}`;
    const resets = one.resets_at === undefined ? "" : `; it counts anew at ${localTime(one.resets_at)}`;
    if (one.stopped_by !== undefined) return `${used}; left stopped by ${clean(one.stopped_by)}${resets}`;
    const answers = `${hivectl(`budget raise ${name}`)} adds ${budgetAmount(one.limit, one.raise)}, ${hivectl(`budget lift ${name}`)} ${isOfChange(one.limit) ? "lifts it for this change" : "lifts it until midnight"}, ${hivectl(`budget stop ${name}`)} leaves it stopped`;
    return `${paint("amber", used)}${resets}: ${answers}`;
  });
}

/** How the verbs name what is over a limit. */
export function budgetOf({ scope, agent = "", credential = "", change = 0 }: OverBudget): string {
  if (scope === "hive") return "--hive";
  if (scope === "credential") return `--credential ${clean(credential)}`;
  return scope === "change" ? `--change ${change}` : clean(agent);
}

/** What a line calls what is over a limit. */
function subjectOf({ scope, agent = "", credential = "", change = 0 }: OverBudget): string {
  if (scope === "hive") return "every agent waits: the hive";
  if (scope === "credential") return `the agents of the credential ${clean(credential)} wait: together they`;
  return scope === "change" ? `${clean(agent)} waits: change ${change}` : clean(agent);
}
