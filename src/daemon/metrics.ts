import { Counter, Gauge, Registry } from "prom-client";
import type { Agent } from "../hive/agents/agent.ts";
import { addProcessMetrics } from "./process-metrics.ts";

/** The hive in figures, for Prometheus. Gauges are set when they are asked for. */
export function openMetrics() {
  const registry = new Registry();
  addProcessMetrics(registry);
  const registers = [registry];
  const agents = new Gauge({ name: "hive_agents", help: "Agents by state", labelNames: ["state"], registers });
  const readers = new Gauge({ name: "hive_event_readers", help: "Open event streams", registers });
  const position = new Gauge({ name: "hive_seq", help: "The newest number of the sequence", registers });
  return {
    calls: new Counter({
      name: "hive_calls_total",
      help: "Operations carried out",
      labelNames: ["operation", "caller"],
      registers,
    }),
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
