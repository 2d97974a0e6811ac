import { detectLimits } from "../../src/os/cgroups.ts";
import { cageRows } from "./rows.ts";
import { judge, type Bait, type CageRow, type Judged, type Outcome, type Position } from "./row.ts";
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
    report("attacking from the cages of an agent and of the manager");
    const [ofAgent, ofManager] = await Promise.all([
      world.attack("mallory", "agent", bait),
      world.attack("hm1nd", "manager", bait),
    ]);
    report("restarting the agent");
    await world.restart("mallory");
    report("flooding from a cage with small limits");
    const ofFlood = await world.flood("flood", bait);
    report("looking from outside");
    const seen = { ...ofAgent, ...ofManager, ...ofFlood };
    const rows = cageRows.filter(({ needs }) => needs === undefined || detectLimits().kind !== "prlimit");
    if (rows.length < cageRows.length) report(`${cageRows.length - rows.length} rows left out: this host cannot limit a cage`);
    const results: Result[] = [];
    for (const row of rows) {
      const { id, from, attempt, barrier } = row;
      results.push({ id, from, attempt, barrier, ...(await proven(row, judge(row, seen[id]), world, bait)) });
    }
    return [...results, arrivals(world)];
  } finally {
    await world.stop();
  }
}

/** Adds what is seen from outside to what came of an attempt. */
async function proven(row: CageRow, judged: Judged, world: World, bait: Bait): Promise<Judged> {
  if (!row.proof || judged.outcome === "open") return judged;
  try {
    return { ...judged, evidence: `${judged.evidence}; from outside: ${await row.proof(world, bait)}` };
  } catch (error) {
    return { outcome: "open", evidence: `from outside: ${error instanceof Error ? error.message : String(error)}` };
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
