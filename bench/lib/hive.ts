import { readdirSync } from "node:fs";
import { join } from "node:path";
import { connectLines, type LineClient } from "../../src/rpc/client.ts";
import { TestHive } from "../../test/lib/hive.ts";

/** More than a bench ever sends: the brakes of a real hive are not measured. */
const NO_BRAKE = "1000000";

/** The real daemon with agents whose cages are stopped. Their sockets stay open, and the bench takes the harness's place. */
export async function hiveWith(names: readonly string[], env: Record<string, string> = {}): Promise<TestHive> {
  const hive = new TestHive({ HIVE_SEND_RATE: NO_BRAKE, HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off", ...env });
  try {
    await hive.start();
    await addAgents(hive, names);
  } catch (error) {
    // The caller has no hive to dispose of.
    await hive.dispose();
    throw error;
  }
  return hive;
}

/** Agents started in parallel. More would only wait for processors. */
const AT_ONCE = 4;

/** Creates agents. They run, or are asleep if the hive is configured so. */
export async function spawnAgents(hive: TestHive, names: readonly string[]): Promise<void> {
  await eachOf(hive, names, async (client, name) => {
    await client.call("spawn", { name });
  });
}

async function addAgents(hive: TestHive, names: readonly string[]): Promise<void> {
  await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
  await eachOf(hive, names, async (client, name) => {
    await client.call("spawn", { name });
    await client.call("stop", { scope: { agent_names: [name] }, graceful: false });
  });
}

/** Runs the work for each name over a few connections. Each takes the next name until none is left. */
async function eachOf(
  hive: TestHive,
  names: readonly string[],
  step: (client: LineClient, name: string) => Promise<void>,
): Promise<void> {
  const left = [...names];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const client = await connectLines(hive.socket, { ordered: true });
      for (let name = left.shift(); name !== undefined; name = left.shift()) await step(client, name);
      client.close();
    }),
  );
}

/** The generation that an agent runs. A harness that reports another one is replaced between two turns. */
export async function generationOf(hive: TestHive, name: string): Promise<number> {
  return Math.max(...readdirSync(join(await hive.folderOf(name), "generations")).map(Number));
}
