import { costWords } from "../../wire/cost.ts";
import type { ChangeUsageRow } from "../../wire/history-operations.ts";
import { changeCsv } from "../../wire/usage-csv.ts";
import { clean, count } from "../print.ts";
import type { Shell } from "../shell.ts";
import { table, type Column } from "../table.ts";

/** Prints what changes have cost. */
export async function showChangeUsage(shell: Shell, days: number, isCsv: boolean): Promise<void> {
  shell.show(await shell.client.call("change_usage", { days }), ({ rows, since, until, time_zone: zone, more }) => {
    if (isCsv) return changeCsv(rows).trimEnd();
    if (rows.length === 0) return `no agent worked on a change from ${since} to ${until}`;
    const columns: Column<ChangeUsageRow>[] = [
      { title: "CHANGE", value: (one) => `#${one.change}` },
      { title: "REPO", value: (one) => one.repo, spare: 1 },
      { title: "AGENT", value: (one) => one.agent },
      { title: "TITLE", value: (one) => one.title, isWide: true },
      { title: "STATE", value: (one) => one.state, spare: 2 },
      { title: "TURNS", value: (one) => String(one.turns), spare: 3 },
      { title: "TOKENS", value: (one) => count(one.tokens), spare: 4 },
      { title: "COST", value: (one) => costWords(one.cost_usd, one.unpriced) },
    ];
    const notes = [
      `${since} to ${until} (${clean(zone)}); a turn that two changes of an agent share counts for both`,
      ...(more ? ["the rest is left out: ask for fewer days"] : []),
    ];
    return [table(rows, columns, shell.width, shell.paint), ...notes.map((words) => shell.paint("dim", words))].join("\n");
  });
}
