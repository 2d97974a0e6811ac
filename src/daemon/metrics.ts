import { Counter, Gauge, Registry } from "prom-client";
import type { AgentBus } from "../agents/events.ts";
import type { Swarm } from "../agents/swarm.ts";
import type { Feed } from "../eventlog/feed.ts";
import type { Usage } from "../gateway/model/dialect.ts";
import type { Store } from "../store/store.ts";
import { TURN_RESULTS } from "../wire/turn-ends.ts";
import { addProcessMetrics } from "./process-metrics.ts";

type Answered = Pick<Usage, "model" | "credential" | "tokens" | "costUsd">;
export type Metrics = ReturnType<typeof openMetrics>;

export interface MetricsDeps {
  bus: Pick<AgentBus, "on">;
  agents: Pick<Swarm, "all">;
  feed: Pick<Feed, "readers">;
  store: Pick<Store, "seq">;
}

/** The hive's metrics for Prometheus. Gauges are set when they are read. */
export function openMetrics(deps: MetricsDeps) {
  const registry = new Registry();
  addProcessMetrics(registry);
  const registers = [registry];
  const agents = new Gauge({ name: "hive_agents", help: "Agents by state", labelNames: ["state"], registers });
  const readers = new Gauge({ name: "hive_event_readers", help: "Open event streams", registers });
  const position = new Gauge({ name: "hive_seq", help: "The newest number of the sequence", registers });
  const turns = new Counter({ name: "hive_turns_total", help: "Turns by how they ended", labelNames: ["outcome"], registers });
  for (const outcome of TURN_RESULTS) turns.inc({ outcome }, 0);
  deps.bus.on("turn_ended", ({ result }) => turns.inc({ outcome: result }));
  const calls = new Map<string, Map<string, number>>();
  new Counter({
    name: "hive_calls_total",
    help: "Operations carried out",
    labelNames: ["operation", "caller"],
    registers,
    collect() {
      this.reset();
      for (const [operation, callers] of calls) for (const [caller, count] of callers) this.inc({ operation, caller }, count);
    },
  });
  const ofModel = ["agent", "model", "credential"];
  const tokens = new Counter({
    name: "hive_model_tokens_total",
    help: "Metered tokens",
    labelNames: [...ofModel, "kind"],
    registers,
  });
  const cost = new Counter({
    name: "hive_model_cost_usd_total",
    help: "US dollars of metered requests with a price",
    labelNames: ofModel,
    registers,
  });
  const unpriced = new Counter({
    name: "hive_model_unpriced_requests_total",
    help: "Metered requests to models without a price",
    labelNames: ofModel,
    registers,
  });
  const exports = new Counter({
    name: "hive_otlp_requests_total",
    help: "Requests to the collector of OpenTelemetry by signal and outcome; failed ones are tried again",
    labelNames: ["signal", "outcome"],
    registers,
  });
  const lostSpans = new Counter({ name: "hive_otlp_dropped_spans_total", help: "Spans that were not sent", registers });
  const unmeasured = new Counter({
    name: "hive_otlp_dropped_values_total",
    help: "Values for which the exported histograms had no room",
    registers,
  });
  return {
    /** Counts a call. Every message takes this path, so the labels are built only when the metrics are read. */
    called(operation: string, caller: string): void {
      let callers = calls.get(operation);
      if (!callers) calls.set(operation, (callers = new Map()));
      callers.set(caller, (callers.get(caller) ?? 0) + 1);
    },
    modelRequests: new Counter({
      name: "hive_model_requests_total",
      help: "Model requests by outcome",
      labelNames: ["outcome"],
      registers,
    }),
    /** Counts a metered answer of the model. */
    metered(agent: string, { model, credential, tokens: used, costUsd }: Answered): void {
      for (const kind of ["input", "output", "cache_read", "cache_write"] as const)
        tokens.inc({ agent, model, credential, kind }, used[kind]);
      if (costUsd === undefined) unpriced.inc({ agent, model, credential });
      else cost.inc({ agent, model, credential }, costUsd);
    },
    /** What the exporter of OpenTelemetry counts. */
    otlp: {
      sent: (signal: string, outcome: string): void => exports.inc({ signal, outcome }),
      dropped: (spans: number): void => lostSpans.inc(spans),
      unmeasured: (): void => unmeasured.inc(),
    },
    text(): Promise<string> {
      agents.reset();
      for (const agent of deps.agents.all()) agents.inc({ state: agent.state });
      readers.set(deps.feed.readers);
      position.set(deps.store.seq);
      return registry.metrics();
    },
  };
}
