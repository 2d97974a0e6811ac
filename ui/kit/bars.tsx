import type { ReactNode } from "react";

/** A chart of one value over equal steps of time. */
export interface BarChart<Bucket> {
  name: string;
  total: string;
  value: (bucket: Bucket) => number;
  show: (value: number) => string;
  /** The part of a bar that is marked as wrong. */
  wrong?: (bucket: Bucket) => number;
  /** A second value, drawn as a tick over the bar. */
  tick?: (bucket: Bucket) => number;
}

const WIDTH = 150;
const HEIGHT = 44;
/** Minimum height of a bar that is not zero, so that it stays visible next to the largest. */
const MIN_BAR = 1.5;

interface BarsProps<Bucket> {
  chart: BarChart<Bucket>;
  /** Oldest first, without gaps. */
  buckets: readonly Bucket[];
  /** The period, in words. */
  range: string;
  /** When a bucket begins, in words. */
  when(bucket: Bucket): string;
}

/** A bar chart. Its label has the total and the greatest value; a page that uses it has the values in a table. */
export function Bars<Bucket>({ chart, buckets, range, when }: BarsProps<Bucket>): ReactNode {
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
            <g key={when(bucket)}>
              <title>{`${when(bucket)}: ${chart.show(value)}${tick > 0 ? `, p95 ${chart.show(tick)}` : ""}${wrong > 0 ? `, ${chart.wrong?.(bucket) ?? 0} failed` : ""}`}</title>
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
