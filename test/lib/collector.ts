import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

/** The parts of OTLP's JSON that the hive sends, strictly: an unknown key is a mistake of the hive. */
const Int64 = z.string().regex(/^\d+$/);
const Attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
    z.strictObject({ doubleValue: z.number() }),
  ]),
});
const Resource = z.strictObject({ attributes: z.array(Attribute) });
const Scope = z.strictObject({ name: z.string(), version: z.string() });
const Span = z.strictObject({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z
    .string()
    .regex(/^[0-9a-f]{16}$/)
    .optional(),
  name: z.string().min(1),
  kind: z.int().min(1).max(5),
  startTimeUnixNano: Int64,
  endTimeUnixNano: Int64,
  attributes: z.array(Attribute),
  status: z.strictObject({ code: z.literal(2), message: z.string() }).optional(),
});
const Point = z
  .strictObject({
    attributes: z.array(Attribute),
    startTimeUnixNano: Int64,
    timeUnixNano: Int64,
    count: Int64,
    sum: z.number(),
    bucketCounts: z.array(Int64),
    explicitBounds: z.array(z.number()),
  })
  .refine((point) => point.bucketCounts.length === point.explicitBounds.length + 1, "one more bucket than bounds")
  .refine(
    (point) => point.bucketCounts.reduce((sum, count) => sum + Number(count), 0) === Number(point.count),
    "the buckets have all that was counted",
  );
const Traces = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({ resource: Resource, scopeSpans: z.array(z.strictObject({ scope: Scope, spans: z.array(Span) })) }),
  ),
});
const Metrics = z.strictObject({
  resourceMetrics: z.array(
    z.strictObject({
      resource: Resource,
      scopeMetrics: z.array(
        z.strictObject({
          scope: Scope,
          metrics: z.array(
            z.strictObject({
              name: z.string(),
              unit: z.string(),
              description: z.string(),
              histogram: z.strictObject({ aggregationTemporality: z.literal(2), dataPoints: z.array(Point) }),
            }),
          ),
        }),
      ),
    }),
  ),
});

export type CollectedSpan = z.infer<typeof Span>;
export type CollectedPoint = z.infer<typeof Point>;

/** Attributes as an object. */
export const attributesOf = (of: { attributes: z.infer<typeof Attribute>[] }): Record<string, string | number> =>
  Object.fromEntries(of.attributes.map(({ key, value }) => [key, Object.values(value)[0] as string | number]));

/** Stands in for a collector of OpenTelemetry on loopback. It refuses a payload that is not of OTLP's shape. */
export class Collector {
  readonly spans: CollectedSpan[] = [];
  /** The newest points of each metric. */
  readonly points = new Map<string, CollectedPoint[]>();
  /** Bodies as they came. */
  readonly bodies: string[] = [];
  /** What was wrong with a request. */
  readonly problems: string[] = [];
  /** The answer to each request. */
  status = 200;
  readonly #server: Server;
  #waiters: (() => void)[] = [];

  constructor() {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => void chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        this.bodies.push(text);
        if (this.status === 200) this.#take(request.method, request.url, request.headers["content-type"], text);
        response.writeHead(this.status, { "content-type": "application/json", location: "/elsewhere" });
        response.end("{}");
        for (const waiter of this.#waiters.splice(0)) waiter();
      });
    });
  }

  async start(): Promise<this> {
    await new Promise<void>((resolve) => void this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves once the requests so far fulfil the condition. */
  async until(isEnough: () => boolean): Promise<void> {
    while (!isEnough()) await new Promise<void>((resolve) => void this.#waiters.push(resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(method: string | undefined, url: string | undefined, type: string | undefined, text: string): void {
    if (method !== "POST" || type !== "application/json") this.problems.push(`${method ?? ""} ${type ?? ""}`);
    const body: unknown = JSON.parse(text);
    if (url === "/v1/traces") {
      const parsed = Traces.safeParse(body);
      if (!parsed.success) return void this.problems.push(z.prettifyError(parsed.error));
      for (const { scopeSpans } of parsed.data.resourceSpans)
        for (const { spans } of scopeSpans) for (const span of spans) this.spans.push(span);
    } else if (url === "/v1/metrics") {
      const parsed = Metrics.safeParse(body);
      if (!parsed.success) return void this.problems.push(z.prettifyError(parsed.error));
      for (const { scopeMetrics } of parsed.data.resourceMetrics)
        for (const { metrics } of scopeMetrics)
          for (const { name, histogram } of metrics) this.points.set(name, histogram.dataPoints);
    } else this.problems.push(`no such path: ${url ?? ""}`);
  }
}
