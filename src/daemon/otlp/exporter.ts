import type { Service } from "../../lib/services.ts";
import { metricsPayload, tracesPayload, type Histogram, type Source, type Span } from "./payload.ts";

/** Spans that wait for the collector: a few megabytes. The oldest are dropped beyond that, and counted. */
const MAX_QUEUE = 4_096;
/** Spans of one request: well below the limits of collectors, which are a few megabytes. */
const MAX_BATCH = 512;
/** The pause before what was measured is sent. Nothing is sent while nothing is measured. Milliseconds. */
const FLUSH_MS = 10_000;
/** The longest pause after failures. Milliseconds. */
const MAX_PAUSE_MS = 5 * 60_000;
/** How long a collector may take to answer. Milliseconds. */
const ANSWER_MS = 10_000;
/** The statuses after which OTLP says to try again. Every other one is final. */
const TEMPORARY = new Set([429, 502, 503, 504]);

type Signal = "traces" | "metrics";
/** `failed`: it is tried again. `refused`: it is not. */
type Outcome = "ok" | "failed" | "refused";

export interface ExporterDeps {
  /** The collector's base URL, without a slash at its end. */
  endpoint: string;
  source: Source;
  /** What the metrics are at the moment. */
  histograms(): readonly Histogram[];
  counters: {
    /** A request of the exporter. */
    sent(signal: Signal, outcome: Outcome): void;
    /** Spans that are lost. */
    dropped(spans: number): void;
    /** A value for which a histogram has no room. */
    unmeasured(): void;
  };
  log: { warn(words: string): void; info(words: string): void };
  now(): number;
}

/**
 * Sends spans and metrics to a collector of OpenTelemetry, over HTTP. Nothing waits for it: what it cannot send stays in
 * a bounded queue, is tried again after growing pauses, and is counted when it is lost. What is queued when the daemon
 * ends is lost.
 */
export class OtlpExporter implements Service {
  readonly #deps: ExporterDeps;
  readonly #since: number;
  readonly #stopped = new AbortController();
  #queue: Span[] = [];
  #hasMetrics = false;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;
  #round: Promise<void> | undefined;

  constructor(deps: ExporterDeps) {
    this.#deps = deps;
    this.#since = deps.now();
  }

  /** Queues a span. Never waits and never throws. */
  add(span: Span): void {
    this.#queue.push(span);
    if (this.#queue.length > MAX_QUEUE) {
      this.#queue.shift();
      this.#deps.counters.dropped(1);
    }
    this.#arm();
  }

  /** The metrics have changed. */
  measured(): void {
    this.#hasMetrics = true;
    this.#arm();
  }

  /** Sends what is queued. Resolves when the collector has answered or failed. Concurrent calls share one round. */
  runOnce(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#round ??= this.#send().finally(() => {
      this.#round = undefined;
      if (this.#queue.length > 0 || this.#hasMetrics) this.#arm();
    }));
  }

  stop(): void {
    this.#stopped.abort();
    clearTimeout(this.#timer);
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#round || this.#stopped.signal.aborted) return;
    const pause = Math.min(FLUSH_MS * 2 ** this.#failures, MAX_PAUSE_MS);
    // `runOnce` does not reject.
    this.#timer = setTimeout(() => void this.runOnce(), pause);
    this.#timer.unref();
  }

  async #send(): Promise<void> {
    const { source, histograms, counters, now } = this.#deps;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, MAX_BATCH);
      const outcome = await this.#post("traces", tracesPayload(source, batch));
      if (outcome === "failed") return;
      if (outcome === "refused") counters.dropped(batch.length);
      // The queue may have dropped its oldest meanwhile.
      const sent = new Set(batch);
      this.#queue = this.#queue.filter((span) => !sent.has(span));
    }
    if (!this.#hasMetrics) return;
    this.#hasMetrics = false;
    const outcome = await this.#post("metrics", metricsPayload(source, histograms(), { since: this.#since, now: now() }));
    // Sums since the start: the next export has these values too.
    if (outcome === "failed") this.#hasMetrics = true;
  }

  async #post(signal: Signal, payload: object): Promise<Outcome> {
    const { endpoint, counters, log } = this.#deps;
    const { outcome, words } = await this.#answer(`${endpoint}/v1/${signal}`, payload);
    if (this.#stopped.signal.aborted) return "failed";
    counters.sent(signal, outcome);
    if (outcome === "ok" && this.#failures > 0) log.info("telemetry: the collector answers again");
    if (outcome !== "ok" && this.#failures === 0) log.warn(`telemetry: the collector of HIVE_OTLP_ENDPOINT ${words}`);
    this.#failures = outcome === "ok" ? 0 : this.#failures + 1;
    return outcome;
  }

  async #answer(url: string, payload: object): Promise<{ outcome: Outcome; words: string }> {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(payload),
        // What was measured goes where the setting says, and nowhere else.
        redirect: "manual",
        signal: AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(ANSWER_MS)]),
      });
      await response.body?.cancel();
      if (response.ok) return { outcome: "ok", words: "" };
      return { outcome: TEMPORARY.has(response.status) ? "failed" : "refused", words: `answered ${response.status}` };
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      return { outcome: "failed", words: `did not answer: ${cause instanceof Error ? cause.message : String(cause)}` };
    }
  }
}
