import { createHash, randomBytes } from "node:crypto";
import type { Agent } from "../../agents/agent.ts";
import type { AgentBus } from "../../agents/events.ts";
import type { Usage } from "../../gateway/model/dialect.ts";
import type { Service } from "../../lib/services.ts";
import { OtlpExporter, type ExporterDeps } from "./exporter.ts";
import type { Attributes } from "./payload.ts";
import { SummedHistogram } from "./series.ts";

/** The only API whose format the gateway speaks. */
const PROVIDER = "anthropic";
/** The longest turn that is told: none lasts a month. Milliseconds. */
const MAX_TURN_MS = 30 * 24 * 60 * 60_000;
/** The boundaries that the conventions name, in tokens and in seconds. */
const TOKEN_BOUNDS = Array.from({ length: 14 }, (_, n) => 4 ** n);
const SECOND_BOUNDS = Array.from({ length: 14 }, (_, n) => Number((0.01 * 2 ** n).toFixed(2)));

export interface TelemetryDeps extends Omit<ExporterDeps, "histograms" | "source"> {
  bus: Pick<AgentBus, "on">;
  hiveId: string;
  version: string;
}

/** Who has asked the model, and in which turn. A turn that is not known has no number. */
export interface Asker {
  agent: string;
  name: string;
  turn: number | undefined;
}

/**
 * Spans and metrics of what the gateway meters, by the conventions for generative AI (`gen_ai.*`): a trace for each
 * turn, with a span for the turn and one for each answer of the model; histograms of tokens and durations. They have
 * names of agents and models, counts and times, and no text of a prompt, an answer or a message.
 */
export class Telemetry implements Service {
  readonly #hiveId: string;
  readonly #now: () => number;
  readonly #exporter: OtlpExporter;
  readonly #counters: ExporterDeps["counters"];
  readonly #tokens = new SummedHistogram({
    name: "gen_ai.client.token.usage",
    unit: "{token}",
    description: "Input and output tokens of each answer",
    bounds: TOKEN_BOUNDS,
  });
  readonly #durations = new SummedHistogram({
    name: "gen_ai.client.operation.duration",
    unit: "s",
    description: "Time from a request to the end of its answer",
    bounds: SECOND_BOUNDS,
  });

  constructor(deps: TelemetryDeps) {
    this.#hiveId = deps.hiveId;
    this.#now = deps.now;
    this.#counters = deps.counters;
    this.#exporter = new OtlpExporter({
      ...deps,
      source: {
        resource: { "service.name": "hyperhive", "service.version": deps.version, "service.instance.id": deps.hiveId },
        scope: { name: "hyperhive.gateway", version: deps.version },
      },
      histograms: () => [this.#tokens.read(), this.#durations.read()],
    });
    deps.bus.on("turn_recorded", (recorded) => this.#turn(recorded));
  }

  /** A metered answer of the model. */
  answered({ model, credential, requestModel, tokens, costUsd, startedAt, endedAt }: Usage, { agent, name, turn }: Asker): void {
    // The conventions count what is read from and written to the cache as input.
    const input = tokens.input + tokens.cache_read + tokens.cache_write;
    const shared: Attributes = {
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": PROVIDER,
      "gen_ai.request.model": requestModel,
      "gen_ai.response.model": model,
      "gen_ai.agent.name": name,
      "hive.credential": credential,
    };
    this.#exporter.add({
      ...(turn === undefined ? { traceId: randomBytes(16).toString("hex") } : this.#within(agent, turn)),
      spanId: randomBytes(8).toString("hex"),
      name: `chat ${requestModel}`,
      kind: "client",
      startedAt,
      endedAt,
      attributes: {
        ...shared,
        "gen_ai.agent.id": agent,
        "gen_ai.usage.input_tokens": input,
        "gen_ai.usage.output_tokens": tokens.output,
        "gen_ai.usage.cache_read.input_tokens": tokens.cache_read,
        "gen_ai.usage.cache_creation.input_tokens": tokens.cache_write,
        "hive.cost_usd": costUsd,
      },
    });
    this.#record(this.#tokens, { ...shared, "gen_ai.token.type": "input" }, input);
    this.#record(this.#tokens, { ...shared, "gen_ai.token.type": "output" }, tokens.output);
    this.#record(this.#durations, shared, Math.max(0, endedAt - startedAt) / 1000);
    this.#exporter.measured();
  }

  /** Sends what is queued. */
  runOnce(): Promise<void> {
    return this.#exporter.runOnce();
  }

  stop(): void {
    this.#exporter.stop();
  }

  #turn({ agent, end, at }: { agent: Agent; end: { turn: number; result?: string; duration_ms: number }; at: number }): void {
    const { traceId, parentSpanId } = this.#within(agent.id, end.turn);
    // The harness says when a turn has ended. A collector refuses a batch for one time that it cannot hold.
    const endedAt = Math.min(at, this.#now());
    const startedAt = Math.max(endedAt - end.duration_ms, endedAt - MAX_TURN_MS);
    const isFailed = end.result !== "ok" && end.result !== "cancelled";
    this.#exporter.add({
      traceId,
      spanId: parentSpanId,
      name: `invoke_agent ${agent.name}`,
      kind: "internal",
      startedAt,
      endedAt,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.agent.name": agent.name,
        "gen_ai.agent.id": agent.id,
        "hive.turn": end.turn,
        "hive.turn.result": end.result,
        ...(isFailed ? { "error.type": end.result } : {}),
      },
      ...(isFailed ? { error: end.result } : {}),
    });
  }

  /** The trace of a turn and its span: the same whenever they are asked for, also after a restart of the daemon. */
  #within(agent: string, turn: number): { traceId: string; parentSpanId: string } {
    const digest = createHash("sha256").update(`${this.#hiveId} ${agent} ${turn}`).digest("hex");
    return { traceId: digest.slice(0, 32), parentSpanId: digest.slice(32, 48) };
  }

  #record(histogram: SummedHistogram, attributes: Attributes, value: number): void {
    if (!histogram.record(attributes, value)) this.#counters.unmeasured();
  }
}
