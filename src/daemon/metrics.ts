import { Counter, Gauge, Registry } from "prom-client";
import type { Agent } from "../agents/agent.ts";
import { addProcessMetrics } from "./process-metrics.ts";

export type Metrics = ReturnType<typeof openMetrics>;

/** The hive in figures, for Prometheus. Gauges are set when they are asked for. */
export function openMetrics() {
  const registry = new Registry();
  addProcessMetrics(registry);
  const registers = [registry];
  const agents = new Gauge({ name: "hive_agents", help: "Agents by state", labelNames: ["state"], registers });
  const readers = new Gauge({ name: "hive_event_readers", help: "Open event streams", registers });
  const position = new Gauge({ name: "hive_seq", help: "The newest number of the sequence", registers });
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
  return {
    /** Counts a call. It is on the path of every message, so its labels are put together when they are asked for. */
    called(operation: string, caller: string): void {
      let callers = calls.get(operation);
      if (!callers) calls.set(operation, (callers = new Map()));
      callers.set(caller, (callers.get(caller) ?? 0) + 1);
    },
    turns: new Counter({ name: "hive_turns_total", help: "Turns by how they ended", labelNames: ["outcome"], registers }),
    modelRequests: new Counter({
      name: "hive_model_requests_total",
      help: "Model requests by what became of them",
      labelNames: ["outcome"],
      registers,
    }),
    modelTokens: new Counter({ name: "hive_model_tokens_total", help: "Metered tokens", labelNames: ["agent"], registers }),
    text(now: { agents: Agent[]; readers: number; seq: number }): Promise<string> {
      agents.reset();
      for (const agent of now.agents) agents.inc({ state: agent.state });
      readers.set(now.readers);
      position.set(now.seq);
      return registry.metrics();
    },
  };
}
