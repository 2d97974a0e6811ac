import { InvalidArgumentError, Option, type Command } from "commander";
import { hivectl } from "../../lib/hivectl.ts";
import { limitWords, parseAmount, parseLimit } from "../../wire/budget-amount.ts";
import { BUDGET_KINDS, budgetLimit, HIVE_KINDS, isOfChange, type BudgetKind } from "../../wire/budget-kinds.ts";
import type { BudgetRow } from "../../wire/budget.ts";
import { DEFAULT_CREDENTIAL } from "../../wire/default-credential.ts";
import type { Input } from "../../wire/operations.ts";
import { agentName, wholeNumber } from "../arguments.ts";
import { budgetTable, overLines, planLines } from "../budget-text.ts";
import { UsageError } from "../exit.ts";
import { clean } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { group } from "../verbs.ts";

/** The option of each limit, and what it says. */
const LIMITS: Readonly<Record<BudgetKind, readonly [flag: string, words: string]>> = {
  cost_per_day_usd: ["cost-per-day", "US dollars a day"],
  cost_per_turn_usd: ["cost-per-turn", "US dollars a turn; not of the hive"],
  output_tokens_per_day: ["output-per-day", "tokens of output a day"],
  input_tokens_per_day: ["input-per-day", "tokens of input a day that no cache serves"],
  turns_per_hour: ["turns-per-hour", "turns in each hour of the clock"],
  messages_per_minute: ["messages-per-minute", "messages sent in each minute of the clock; not of the hive"],
  cost_per_change_usd: ["cost-per-change", "US dollars for each change, from its first push to its end"],
  output_tokens_per_change: ["output-per-change", "tokens of output for each change"],
  input_tokens_per_change: ["input-per-change", "tokens of input for each change that no cache serves"],
};
const NONE = "none";

interface Of {
  hive?: true;
  default?: true;
  credential?: string;
  change?: number;
}
type Limits = Of & Record<string, number | string | true | undefined>;

/** Parses what an option of `set` says. */
function limitOf(kind: BudgetKind, text: string): number | typeof NONE {
  if (text === NONE) return NONE;
  const value = parseLimit(kind, text);
  if (value === undefined) throw new InvalidArgumentError(`it is ${limitWords(kind)}, or ${NONE} to remove the limit.`);
  return value;
}

type About = Pick<Input<"budget_set">, "scope" | "agent" | "credential" | "change">;

/** Whose budget a verb is about. Throws a usage error unless exactly one is named. */
function about(agent: string | undefined, of: Of): About {
  const named = [agent, of.hive, of.default, of.credential, of.change].filter((one) => one !== undefined).length;
  if (named !== 1) throw new UsageError("name one agent, or --hive, --credential or --change");
  if (of.hive === true) return { scope: "hive" };
  if (of.credential !== undefined) return { scope: "credential", credential: of.credential };
  if (of.change !== undefined) return { scope: "change", change: of.change };
  return agent === undefined ? { scope: "default" } : { scope: "agent", agent };
}

/** The part of about that a decision takes. */
const aboutOver = (agent: string | undefined, of: Of): AboutOver => about(agent, of) as AboutOver;
type AboutOver = Pick<Input<"budget_answer">, "scope" | "agent" | "credential" | "change">;

const WHOSE = "the sum of all agents";
/** The options that say whose budget it is, besides an agent. */
const whose = (command: Command): Command =>
  command
    .option("--hive", WHOSE)
    .option("--credential <name>", "the sum of the agents that use a credential; the hive's own is default")
    .option("--change <number>", "the work on one change", wholeNumber);
const limitOption = (): Option => new Option("--limit <limit>", "by default the one that is reached").choices(BUDGET_KINDS);

/** Verbs for what agents may spend. */
export function budgetCommands(program: Command): void {
  const budget = group(program, "budget", "what agents may spend: limits, what is used of them, and decisions");

  act(
    budget
      .command("list")
      .argument("[agent]", "only this agent, with the limits of the hive", agentName)
      .description("the limits that count, what is used of each, and which are reached"),
    async (shell, [agent]: [string?]) => {
      const credential = agent === undefined ? "" : await credentialOf(shell, agent);
      const concerns = (one: Pick<BudgetRow, "agent" | "credential">): boolean =>
        agent === undefined ||
        (one.credential === undefined ? one.agent === undefined || one.agent === agent : one.credential === credential);
      shell.show(await shell.client.call("budget", {}), ({ rows, over, plan, time_zone: zone }) => {
        const shown = rows.filter(concerns);
        if (shown.length === 0) return [`there is no limit: ${hivectl("budget set")} makes one`, ...planLines(plan)].join("\n");
        const lines = overLines(over.filter(concerns), shell);
        return [
          budgetTable(shown, shell),
          shell.paint("dim", `days are those of ${clean(zone)}`),
          ...planLines(plan),
          ...lines,
        ].join("\n");
      });
    },
  );

  const set = whose(budget.command("set").argument("[agent]", "whose limits", agentName))
    .option("--default", "each agent for which nothing else sets the limit")
    .description("set or remove limits; they count at once, and come before those of agent.json");
  for (const kind of BUDGET_KINDS) {
    const [flag, words] = LIMITS[kind];
    set.option(`--${flag} <amount>`, `${words}, or none`, (text: string) => limitOf(kind, text));
  }
  act<Limits>(set, async (shell, [agent]: [string?], options) => {
    const limits: Partial<Record<BudgetKind, number>> = {};
    const remove: BudgetKind[] = [];
    for (const kind of BUDGET_KINDS) {
      const given = options[camel(LIMITS[kind][0])];
      if (given !== undefined && options.hive === true && !(HIVE_KINDS as readonly BudgetKind[]).includes(kind))
        throw new UsageError(`--${LIMITS[kind][0]} is a limit of each agent, not of the hive: name an agent, or --default`);
      if (given === NONE) remove.push(kind);
      else if (typeof given === "number") limits[kind] = given;
    }
    const target = about(agent, options);
    if (Object.keys(limits).length + remove.length === 0)
      throw new UsageError(`name a limit, such as --${LIMITS.cost_per_day_usd[0]} 5`);
    shell.show(await shell.client.call("budget_set", { ...target, limits, remove }), ({ rows }) => {
      const own = rows.filter((row) => isOf(row, target));
      return own.length === 0 ? "no limit is left" : budgetTable(own, shell);
    });
  });

  act<Of & { by?: number; limit?: BudgetKind }>(
    whose(budget.command("raise").argument("[agent]", "whose limit", agentName))
      .option("--by <amount>", "how much to add: by default $5, or half of the limit", added)
      .addOption(limitOption())
      .description("add to a limit for its day, hour, turn or change, so that its agents go on"),
    async (shell, [agent]: [string?], { by, limit, ...of }) =>
      decide(shell, aboutOver(agent, of), { answer: "raise", by, limit }),
  );

  act<Of & { limit?: BudgetKind }>(
    whose(budget.command("lift").argument("[agent]", "whose limit", agentName))
      .addOption(limitOption())
      .description("let a limit not count until midnight, by the operator's clock; of a change, as long as that is open"),
    async (shell, [agent]: [string?], { limit, ...of }) => decide(shell, aboutOver(agent, of), { answer: "lift", limit }),
  );

  act<Of & { limit?: BudgetKind }>(
    whose(budget.command("stop").argument("[agent]", "whose limit", agentName))
      .addOption(limitOption())
      .description("leave what has reached its limit stopped until that counts anew; nothing asks any more"),
    async (shell, [agent]: [string?], { limit, ...of }) => decide(shell, aboutOver(agent, of), { answer: "stop", limit }),
  );
}

/** True if a row is one of what a verb is about. The agent that works on a change need not be named. */
const isOf = (row: BudgetRow, { scope, agent, credential, change }: About): boolean =>
  row.scope === scope && (scope !== "agent" || row.agent === agent) && row.credential === credential && row.change === change;

const DONE = { raise: "is raised", lift: "does not count until midnight", stop: "stays as it is; what it stops waits" } as const;

async function decide(
  shell: Parameters<Parameters<typeof act>[1]>[0],
  target: AboutOver,
  given: Pick<Input<"budget_answer">, "answer" | "by" | "limit">,
): Promise<void> {
  shell.show(await shell.client.call("budget_answer", { ...target, ...given }), ({ limit, rows }) => {
    const row = rows.find((one) => isOf(one, target) && one.limit === limit);
    const words = row ? budgetLimit(limit, row.allowed) : limit;
    const done = given.answer === "lift" && isOfChange(limit) ? "does not count any more" : DONE[given.answer];
    return `the limit of ${words} ${done}`;
  });
}

function added(text: string): number {
  const value = parseAmount(text);
  if (value === undefined) throw new InvalidArgumentError("it is a number above 0, such as 5 or 200k.");
  return value;
}

const camel = (flag: string): string => flag.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The credential of an agent's requests. */
async function credentialOf({ client }: Shell, name: string): Promise<string> {
  const { state } = await client.call("state", { messages: 0 });
  return state.agents.find((one) => one.name === name)?.credential ?? DEFAULT_CREDENTIAL;
}
