import { readdirSync } from "node:fs";
import { join } from "node:path";
import { connectLines, type LineClient } from "../../src/rpc/client.ts";
import { PROTOCOL } from "../../src/wire/harness.ts";
import type { Output } from "../../src/wire/operations.ts";
import type { TestHive } from "./hive.ts";

/** Spawns an agent whose cage is stopped. Its sockets stay, and a test speaks in its place. */
export async function spawnStopped(hive: TestHive, name: string): Promise<void> {
  await hive.call("spawn", { name });
  await hive.call("stop", { scope: { agent_names: [name] }, graceful: false });
}

/** The test in the place of a harness. */
export interface StandIn {
  client: LineClient;
  /** The daemon's answer to its hello. */
  assignment: Output<"hello">;
}

/** Says hello for an agent as `instance`, with its leases. */
export async function standIn(
  hive: TestHive,
  name: string,
  instance: string,
  leases: { id: number; token: string }[] = [],
): Promise<StandIn> {
  const folder = await hive.folderOf(name);
  const { state } = await hive.call("state", { messages: 0 });
  const client = await connectLines(hive.agentSocket(name));
  const assignment = await client.call("hello", {
    protocol: PROTOCOL,
    revision: state.hive.revision,
    generation: Math.max(...readdirSync(join(folder, "generations")).map(Number)),
    instance,
    leases,
    busy: leases.length > 0,
  });
  return { client, assignment };
}
