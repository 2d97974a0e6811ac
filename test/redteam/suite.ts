import { cageRows } from "./rows.ts";
import { judge, type Outcome, type Position } from "./row.ts";
import { World } from "./world.ts";

/** A row of the table: an attempt and what came of it. */
export interface Result {
  id: string;
  from: Position;
  attempt: string;
  barrier: string;
  outcome: Outcome;
  evidence: string;
}

/** Starts a hive, carries out every attempt and stops it. `report` gets a line for each step. */
export async function redteam(report: (line: string) => void): Promise<Result[]> {
  report("starting a hive");
  const world = await World.start();
  try {
    const bait = await world.bait();
    await world.hive.call("spawn", { name: "mallory" });
    await world.hive.untilAgent("mallory", (agent) => agent.state === "idle");
    report("attacking from an agent's cage");
    const seen = await world.attack("mallory", "agent", bait);
    const results = cageRows.map((row): Result => ({
      id: row.id,
      from: row.from,
      attempt: row.attempt,
      barrier: row.barrier,
      ...judge(row, seen[row.id]),
    }));
    return [...results, arrivals(world)];
  } finally {
    await world.stop();
  }
}

/** What arrived at the host's listeners, whatever the attempts themselves say. */
const arrivals = (world: World): Result => ({
  id: "network-arrivals",
  from: "agent",
  attempt: "make anything arrive at a listener of the host",
  barrier: "all of the above",
  outcome: world.reached.length === 0 ? "blocked" : "open",
  evidence: world.reached.length === 0 ? "nothing arrived" : world.reached.join(", "),
});
