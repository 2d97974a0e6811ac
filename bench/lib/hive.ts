import { readdirSync } from "node:fs";
import { join } from "node:path";
import { TestHive } from "../../test/lib/hive.ts";

/** More than a bench ever sends: the brakes of a real hive are not what is measured. */
const NO_BRAKE = "1000000";

/** The real daemon with agents whose cages are stopped: their sockets stay open, and the bench takes the harness's place. */
export async function hiveWith(names: readonly string[], env: Record<string, string> = {}): Promise<TestHive> {
  const hive = new TestHive({ HIVE_SEND_RATE: NO_BRAKE, HIVE_LOG_LEVEL: "error", HIVE_AGENT_PORTS: "off", ...env });
  await hive.start();
  await addAgents(hive, names);
  return hive;
}

async function addAgents(hive: TestHive, names: readonly string[]): Promise<void> {
  await hive.call("stop", { scope: { agent_names: ["hm1nd"] }, graceful: false });
  for (const name of names) {
    await hive.call("spawn", { name });
    await hive.call("stop", { scope: { agent_names: [name] }, graceful: false });
  }
}

/** The generation that an agent runs: a harness that says another one is replaced between two turns. */
export async function generationOf(hive: TestHive, name: string): Promise<number> {
  return Math.max(...readdirSync(join(await hive.folderOf(name), "generations")).map(Number));
}
