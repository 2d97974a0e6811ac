import { createServer, type Server } from "node:net";
import { choosePort } from "../../src/agents/port.ts";

/** The port that an agent gets if it is free. */
export const agentPort = (name: string, base: number): number => choosePort({ name, role: "agent" }, base, new Set()) ?? 0;

/** Takes a port of loopback. Rejects if another program has it. */
export function takePort(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}
export const closeServer = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));

/** A base whose ports for these agents are free. Below the ports that the kernel assigns. */
export async function freeBase(names: readonly string[]): Promise<number> {
  for (let base = 10_000 + (process.pid % 15) * 1000; base < 31_000; base += 1000) {
    const probes = await Promise.allSettled([base, ...names.map((name) => agentPort(name, base))].map(takePort));
    await Promise.all(probes.flatMap((probe) => (probe.status === "fulfilled" ? [closeServer(probe.value)] : [])));
    if (probes.every((probe) => probe.status === "fulfilled")) return base;
  }
  throw new Error("no free ports");
}
