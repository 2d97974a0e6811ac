import { costWords, dollars } from "../../src/wire/cost.ts";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, type ReactNode } from "react";
import type { StatisticsRange } from "../../src/wire/history-operations.ts";
import type { Output } from "../../src/wire/operations.ts";
import { Bars, type BarChart } from "../kit/bars.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { count, duration } from "../lib/text.ts";

const RANGES: readonly StatisticsRange[] = ["24h", "7d", "30d"];
const isRange = (text: string | undefined): text is StatisticsRange => RANGES.some((range) => range === text);

type Bucket = Output<"statistics">["buckets"][number];

type Chart = BarChart<Bucket>;

/** The work of an agent over the last day, week or month: four small charts with one time axis. */
export function Charts({ name }: { name: string }): ReactNode {
  const { view } = useSearch({ from: "/agent/$name" });
  const navigate = useNavigate();
  const range = isRange(view) ? view : "24h";
  // Fetch again when a turn has ended.
  const last = useHive((state) => state.agents.get(name)?.last_turn?.turn);
  const { value, error } = useFetched(
    useCallback(() => call("statistics", { agent: name, range }), [name, range]),
    last,
  );
  const choose = (next: StatisticsRange): void =>
    void navigate({
      to: "/agent/$name",
      params: { name },
      search: (search) => ({ ...search, view: next === "24h" ? undefined : next }),
      replace: true,
    });
  return (
    <>
      <div className="ranges" role="group" aria-label="range">
        {RANGES.map((one) => (
          <button key={one} type="button" className="ghost" aria-pressed={one === range} onClick={() => choose(one)}>
            {one}
          </button>
        ))}
      </div>
      {error !== undefined && <p className="red small">{error}</p>}
      {value && <Figures value={value} range={range} />}
    </>
  );
}

function Figures({ value, range }: { value: Output<"statistics">; range: StatisticsRange }): ReactNode {
  const { total, buckets } = value;
  if (total.turns === 0) return <p className="dim small">no turn ended in this range</p>;
  const charts: Chart[] = [
    {
      name: "turns",
      total: String(total.turns),
      value: (bucket) => bucket.turns,
      wrong: (bucket) => bucket.failed,
      show: (n) => String(n),
    },
    { name: "tokens", total: count(total.tokens), value: (bucket) => bucket.tokens, show: count },
    { name: "cost", total: costWords(total.cost_usd, total.unpriced), value: (bucket) => bucket.cost_usd, show: dollars },
    {
      name: "duration",
      total: `p50 ${duration(total.p50_ms)}`,
      value: (bucket) => bucket.p50_ms,
      tick: (bucket) => bucket.p95_ms,
      show: duration,
    },
  ];
  return (
    <>
      <div className="charts">
        {charts.map((chart) => (
          <Bars key={chart.name} chart={chart} buckets={buckets} range={range} when={({ at }) => when(at, range)} />
        ))}
      </div>
      <p className="dim small">
        {total.turns === 1 ? "1 turn" : `${total.turns} turns`} · p50 {duration(total.p50_ms)} · p95 {duration(total.p95_ms)} ·{" "}
        <span className={total.failed > 0 ? "red" : ""}>{total.failed} failed</span>
        {(["parked", "cancelled", "interrupted"] as const)
          .filter((result) => total[result] > 0)
          .map((result) => ` · ${total[result]} ${result}`)}
      </p>
    </>
  );
}

function when(at: string, range: StatisticsRange): string {
  const date = new Date(at);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return range === "30d" ? day : `${day} ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}
