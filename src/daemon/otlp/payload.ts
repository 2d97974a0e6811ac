/**
 * The two payloads of OTLP over HTTP in JSON: ids are hexadecimal, numbers of 64 bits are decimal text, keys are in
 * lowerCamelCase. Pure functions.
 */

/** Attributes of a span or a series. Absent values are left out. */
export type Attributes = Readonly<Record<string, string | number | undefined>>;

/** A span as it is queued. Times are milliseconds since the epoch. */
export interface Span {
  /** 32 and 16 hexadecimal digits. */
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  kind: "internal" | "client";
  startedAt: number;
  endedAt: number;
  attributes: Attributes;
  /** The reason, where the operation failed. */
  error?: string | undefined;
}

/** A series of a histogram. */
export interface Series {
  attributes: Attributes;
  count: number;
  sum: number;
  /** One more than there are bounds. */
  buckets: readonly number[];
}

export interface Histogram {
  name: string;
  unit: string;
  description: string;
  bounds: readonly number[];
  series: Iterable<Series>;
}

/** Who sends: the hive. */
export interface Source {
  /** Attributes of the resource. */
  resource: Attributes;
  /** The name and the version of what has measured. */
  scope: { name: string; version: string };
}

const KINDS = { internal: 1, client: 3 } as const;
/** Sums since the start, and not since the last export: an export that is lost loses nothing. */
const CUMULATIVE = 2;
const STATUS_ERROR = 2;

/** The body for `/v1/traces`. */
export function tracesPayload({ resource, scope }: Source, spans: readonly Span[]): object {
  return { resourceSpans: [{ resource: { attributes: listOf(resource) }, scopeSpans: [{ scope, spans: spans.map(spanOf) }] }] };
}

/** The body for `/v1/metrics`. `since` is when the sums began, in milliseconds. */
export function metricsPayload(
  { resource, scope }: Source,
  histograms: readonly Histogram[],
  { since, now }: { since: number; now: number },
): object {
  const metrics = histograms.map(({ name, unit, description, bounds, series }) => ({
    name,
    unit,
    description,
    histogram: {
      aggregationTemporality: CUMULATIVE,
      dataPoints: [...series].map((one) => ({
        attributes: listOf(one.attributes),
        startTimeUnixNano: nanos(since),
        timeUnixNano: nanos(now),
        count: String(one.count),
        sum: one.sum,
        bucketCounts: one.buckets.map(String),
        explicitBounds: bounds,
      })),
    },
  }));
  return { resourceMetrics: [{ resource: { attributes: listOf(resource) }, scopeMetrics: [{ scope, metrics }] }] };
}

function spanOf({ traceId, spanId, parentSpanId, name, kind, startedAt, endedAt, attributes, error }: Span): object {
  return {
    traceId,
    spanId,
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name,
    kind: KINDS[kind],
    startTimeUnixNano: nanos(startedAt),
    endTimeUnixNano: nanos(endedAt),
    attributes: listOf(attributes),
    ...(error === undefined ? {} : { status: { code: STATUS_ERROR, message: error } }),
  };
}

function listOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [{ key, value: valueOf(value) }]));
}

function valueOf(value: string | number): object {
  if (typeof value === "string") return { stringValue: value };
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}

/** Nanoseconds as text: a number of JSON does not hold them. */
const nanos = (ms: number): string => `${Math.round(Math.max(0, ms) * 1000)}000`;
