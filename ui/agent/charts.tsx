import { costWords, dollars } from "../../src/wire/cost.ts";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, type ReactNode } from "react";
import type { StatisticsRange } from "../../src/wire/history-operations.ts";
import type { Output } from "../../src/wire/operations.ts";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { count, duration } from "../lib/text.ts";

const RANGES: readonly StatisticsRange[] = ["24h", "7d", "30d"];
const isRange = (text: string | undefined): text is StatisticsRange => RANGES.some((range) => range === text);

type Bucket = Output<"statistics">["buckets"][number];

interface Chart {
  name: string;
  total: string;
  value: (bucket: Bucket) => number;
  show: (value: number) => string;
  /** The part of a bar that is marked as wrong. */
  wrong?: (bucket: Bucket) => number;
  /** A second value, drawn as a tick over the bar. */
  tick?: (bucket: Bucket) => number;
}

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
          <Bars key={chart.name} chart={chart} buckets={buckets} range={range} />
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

const WIDTH = 150;
const HEIGHT = 44;
/** Minimum height of a bar that is not zero, so that it stays visible next to the largest. */
const MIN_BAR = 1.5;

function Bars({ chart, buckets, range }: { chart: Chart; buckets: readonly Bucket[]; range: StatisticsRange }): ReactNode {
  const most = buckets.reduce((top, bucket) => Math.max(top, chart.value(bucket), chart.tick?.(bucket) ?? 0), 0);
  const step = WIDTH / buckets.length;
  const height = (n: number): number => (n === 0 || most === 0 ? 0 : Math.max(MIN_BAR, (n / most) * HEIGHT));
  return (
    <figure>
      <figcaption>
        <span className="dim">{chart.name}</span> <b>{chart.total}</b>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT + 1}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${chart.name}, ${range}: ${chart.total}, at most ${chart.show(most)} at a time`}
      >
        <line x1={0} x2={WIDTH} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} className="axis" />
        {buckets.map((bucket, n) => {
          const value = chart.value(bucket);
          const wrong = height(chart.wrong?.(bucket) ?? 0);
          const tick = chart.tick?.(bucket) ?? 0;
          return (
            <g key={bucket.at}>
              <title>{`${when(bucket.at, range)}: ${chart.show(value)}${tick > 0 ? `, p95 ${chart.show(tick)}` : ""}${wrong > 0 ? `, ${bucket.failed} failed` : ""}`}</title>
              {/* The whole column is the hover target, even if the bar is short. */}
              <rect x={n * step} y={0} width={step} height={HEIGHT} className="hit" />
              <rect x={n * step + 0.6} y={HEIGHT - height(value)} width={step - 1.2} height={height(value)} className="fill" />
              {wrong > 0 && <rect x={n * step + 0.6} y={HEIGHT - wrong} width={step - 1.2} height={wrong} className="wrong" />}
              {tick > 0 && <rect x={n * step + 0.6} y={HEIGHT - height(tick)} width={step - 1.2} height={1.2} className="tick" />}
            </g>
          );
        })}
      </svg>
    </figure>
  );
}

function when(at: string, range: StatisticsRange): string {
  const date = new Date(at);
  const day = date.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return range === "30d" ? day : `${day} ${date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" })}`;
}
