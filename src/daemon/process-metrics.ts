import { performance } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

const MICROSECONDS = 1_000_000;

/**
 * The daemon's process in figures, under the names that Prometheus's clients share. Each is read when it is asked for:
 * the package's own set watches the event loop with a timer that wakes an idle daemon a hundred times a second.
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(value()) });
  };
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "When the daemon started", () => startedAt);
  gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
  gauge("nodejs_heap_size_total_bytes", "Heap that is held", () => process.memoryUsage().heapTotal);
  gauge("nodejs_heap_size_used_bytes", "Heap that is used", () => process.memoryUsage().heapUsed);
  let earlier = performance.eventLoopUtilization();
  gauge("nodejs_eventloop_utilization", "Part of the time since the last look that the event loop was busy", () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, earlier);
    earlier = now;
    return utilization;
  });
  let counted = 0;
  const cpu: Counter = new Counter({
    name: "process_cpu_seconds_total",
    help: "Processor time, user and system",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      const total = (user + system) / MICROSECONDS;
      cpu.inc(total - counted);
      counted = total;
    },
  });
}
