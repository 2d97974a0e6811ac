import { detectLimits } from "../../src/os/cgroups.ts";
import { cageRows } from "./rows.ts";
import {
  judge,
  observe,
  type Bait,
  type CagePosition,
  type CageRow,
  type Judged,
  type Observation,
  type Outcome,
  type Position,
} from "./row.ts";
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

/** Longest look from outside: a cage is stopped, or a disk is measured. Milliseconds. */
const PROOF_MS = 60_000;

/**
 * Starts a hive, carries out every attempt and stops it. `only` is a part of the ids of the rows to carry out. `report`
 * gets a line for each step.
 */
export async function redteam(report: (line: string) => void, only = ""): Promise<Result[]> {
  const canLimit = detectLimits().kind !== "prlimit";
  const rows = cageRows.filter(({ id, needs }) => id.includes(only) && (needs === undefined || canLimit));
  if (!canLimit) report("this host cannot limit a cage: rows that need it are left out");
  const isFrom = (position: CagePosition): boolean => rows.some(({ from }) => from === position);
  report("starting a hive");
  const world = await World.start();
  try {
    const bait = { ...(await world.bait()), rows: rows.map(({ id }) => id) };
    report("attacking from the cages of an agent and of the manager");
    const seen = await Promise.all([
      isFrom("agent") ? world.attack("mallory", "agent", bait) : {},
      isFrom("manager") ? world.attack("hm1nd", "manager", bait) : {},
    ]);
    if (rows.some(({ from, proof }) => from === "agent" && proof)) {
      report("restarting the agent");
      await world.restart("mallory");
    }
    if (isFrom("flood")) {
      report("flooding from a cage with small limits");
      seen.push(await world.flood("flood", bait));
    }
    report("looking from outside");
    const observed = Object.assign({}, ...seen) as Record<string, Observation>;
    const results: Result[] = [];
    for (const row of rows) {
      const { id, from, attempt, barrier } = row;
      results.push({ id, from, attempt, barrier, ...(await proven(row, judge(row, observed[id]), world, bait)) });
    }
    return [...results, arrivals(world)];
  } finally {
    await world.stop();
  }
}

/** Adds what is seen from outside to what came of an attempt. */
async function proven(row: CageRow, judged: Judged, world: World, bait: Bait): Promise<Judged> {
  if (!row.proof || judged.outcome === "open") return judged;
  const { proof } = row;
  const looked = await observe(async () => proof(world, bait), PROOF_MS);
  if (!looked.reached) return { outcome: "open", evidence: `from outside: ${looked.text}` };
  return { ...judged, evidence: `${judged.evidence}; from outside: ${looked.text}` };
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
