import { InvalidArgumentError, type Command } from "commander";
import type { UsageFigures, UsageKey, UsageSumRow } from "../../wire/history-operations.ts";
import { MAX_USAGE_SUM_DAYS } from "../../wire/limits.ts";
import { USAGE_KEY_LIST, usageCsv } from "../../wire/usage-csv.ts";
import { agentName, wholeNumber } from "../arguments.ts";
import { UsageError } from "../exit.ts";
import { clean, plural } from "../print.ts";
import { act, type Shell } from "../shell.ts";
import { table, type Column } from "../table.ts";
import { FIGURE_COLUMNS } from "../usage-columns.ts";
import { showChangeUsage } from "./change-usage.ts";

function days(text: string): number {
  const value = wholeNumber(text);
  if (value > MAX_USAGE_SUM_DAYS) throw new InvalidArgumentError(`it is at most ${MAX_USAGE_SUM_DAYS}.`);
  return value;
}

function keys(text: string): UsageKey[] | "change" {
  if (text === "change") return text;
  const named = text.split(",").map((one) => one.trim());
  const known = named.flatMap((one) => USAGE_KEY_LIST.filter((key) => key === one));
  if (known.length !== named.length || new Set(known).size !== known.length)
    throw new InvalidArgumentError(`it is one or more of ${USAGE_KEY_LIST.join(", ")}, such as agent or day,model; or change.`);
  return known;
}

function sumTable(rows: readonly UsageSumRow[], total: UsageFigures, by: readonly UsageKey[], shell: Shell): string {
  const lines: (UsageSumRow & { isTotal?: true })[] = [...rows, { ...total, isTotal: true }];
  const shown = USAGE_KEY_LIST.filter((key) => by.includes(key));
  const columns: Column<(typeof lines)[number]>[] = [
    ...shown.map((key, n) => ({
      title: key.toUpperCase(),
      value: (one: (typeof lines)[number]) => (one.isTotal ? (n === 0 ? "all" : "") : (one[key] ?? "")),
      colour: (one: (typeof lines)[number]) => (one.isTotal ? ("bold" as const) : undefined),
      ...(key === "model" ? { isWide: true } : {}),
    })),
    ...FIGURE_COLUMNS,
  ];
  return table(lines, columns, shell.width, shell.paint);
}

/** The verb that sums usage. */
export function usageCommand(program: Command): void {
  act<{ days: number; by?: UsageKey[] | "change"; csv?: boolean }>(
    program
      .command("usage")
      .argument("[agent]", "only this agent", agentName)
      .description("where the money goes: tokens and cost of the last days, summed by agent, model, credential or day")
      .option("-d, --days <days>", "how many days, up to today", days, 30)
      .option(
        "--by <keys>",
        "agent, model, credential or day, or several: day,model; or change (default: agent, and day for one agent)",
        keys,
      )
      .option("--csv", "a table for a spreadsheet"),
    async (shell, [agent]: [string?], { days: of, by = [agent === undefined ? "agent" : "day"], csv }) => {
      if (by === "change") {
        if (agent !== undefined) throw new UsageError("--by change lists the changes of every agent: leave the name out");
        return showChangeUsage(shell, of, csv === true);
      }
      shell.show(
        await shell.client.call("usage_sums", { agent, days: of, by }),
        ({ rows, total, since, until, time_zone: zone, more }) => {
          if (csv === true) return usageCsv(rows, by).trimEnd();
          if (rows.length === 0) return `no model was used from ${since} to ${until}`;
          const notes = [
            `${since} to ${until} (${clean(zone)})`,
            ...(total.unpriced > 0
              ? [`${plural(total.unpriced, "request")} went to a model without a price: no sum contains them`]
              : []),
            ...(more ? ["the rest is left out: ask for fewer days or keys"] : []),
          ];
          return [sumTable(rows, total, by, shell), ...notes.map((words) => shell.paint("dim", words))].join("\n");
        },
      );
    },
  );
}
