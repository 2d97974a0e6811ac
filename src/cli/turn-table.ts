import { turnCostWords } from "../wire/cost.ts";
import { DEFAULT_CREDENTIAL } from "../wire/default-credential.ts";
import type { TurnRow } from "../wire/history-operations.ts";
import { age, clean, count, duration, type Paint } from "./print.ts";
import { table, type Column } from "./table.ts";
import { RESULT_COLOURS } from "./turn-lines.ts";

/** True if a turn used another credential than the hive's own. */
const isOther = ({ credential = DEFAULT_CREDENTIAL }: TurnRow): boolean => credential !== DEFAULT_CREDENTIAL;

/** Turns as table rows. A running turn has the result `running` and the duration until now. */
export function turnTable(
  turns: readonly TurnRow[],
  { now, width, paint }: { now: number; width: number; paint: Paint },
): string {
  const columns: Column<TurnRow>[] = [
    { title: "TURN", value: (one) => String(one.turn), colour: () => "dim" },
    { title: "AGE", value: (one) => age(one.started_at, now) },
    { title: "FROM", value: (one) => clean(one.from ?? ""), spare: 2 },
    { title: "MESSAGE", value: (one) => (one.message === undefined ? "" : `#${one.message}`), spare: 3 },
    {
      title: "RESULT",
      value: (one) => one.result ?? "running",
      colour: (one) => (one.result === undefined ? "mauve" : RESULT_COLOURS[one.result]),
    },
    {
      title: "TIME",
      value: (one) => duration(one.duration_ms ?? (one.ended_at === undefined ? now - Date.parse(one.started_at) : 0)),
    },
    { title: "TOKENS", value: (one) => (one.tokens === undefined ? "" : count(one.tokens)), spare: 1 },
    { title: "COST", value: (one) => turnCostWords(one.tokens, one.cost_usd), spare: 4 },
    ...(turns.some(isOther) ? [{ title: "CREDENTIAL", value: (one: TurnRow) => clean(one.credential ?? ""), spare: 5 }] : []),
    { title: "REASON", value: (one) => (one.result === "ok" ? "" : clean(one.reason ?? "")), isWide: true },
  ];
  return table(turns, columns, width, paint);
}
