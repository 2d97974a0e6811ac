import { performance } from "node:perf_hooks";
import { Counter, Gauge, type Registry } from "prom-client";

const MICROSECONDS = 1_000_000;

/**
 * Metrics of the daemon's process, under the names that Prometheus clients share. Each value is read on demand. The
 * package's own set is not used: its event-loop monitor wakes an idle daemon a hundred times a second.
 */
export function addProcessMetrics(registry: Registry): void {
  const registers = [registry];
  const gauge = (name: string, help: string, value: () => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(value()) });
  };
  const startedAt = Date.now() / 1000 - process.uptime();
  gauge("process_start_time_seconds", "When the daemon started", () => startedAt);
  gauge("process_resident_memory_bytes", "Resident memory", () => process.memoryUsage.rss());
  gauge("nodejs_heap_size_total_bytes", "Heap that is allocated", () => process.memoryUsage().heapTotal);
  gauge("nodejs_heap_size_used_bytes", "Heap that is used", () => process.memoryUsage().heapUsed);
  let earlier = performance.eventLoopUtilization();
  gauge("nodejs_eventloop_utilization", "Share of the time since the last read in which the event loop was busy", () => {
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
