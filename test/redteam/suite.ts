import { detectLimits } from "../../src/os/cgroups.ts";
import { cageRows } from "./rows.ts";
import { judge, observe, type CagePosition, type CageRow, type Judged, type Observation } from "./row.ts";
import { daemonRows } from "./rows/daemon.ts";
import { loginRows } from "./rows/login.ts";
import { LoginPlace } from "./login-place.ts";
import { attackFromDaemon, attackFromOutside, outsideRows } from "./outside.ts";
import { resultOf, type Definition, type Result } from "./result.ts";
import { World } from "./world.ts";
import { scaled } from "../lib/slowness.ts";

/** Longest look from outside: a cage is stopped, or a disk is measured. Milliseconds. */
const PROOF_MS = scaled(180_000);

/** Longest turn that carries out all attempts of a cage. Milliseconds. */
const ATTACK_MS = scaled(400_000);
/** Longest first turn after a restart. Milliseconds. */
const TURN_MS = scaled(180_000);

/** Whether the agent takes its next turn as if nothing had been planted. */
const NEXT_TURN: Definition = {
  id: "persistence-next-turn",
  from: "agent",
  attempt: "plant files that change or end the turns after a restart",
  barrier: "what it plants is not obeyed",
};

/** What arrived at the host's listeners, independently of what the attempts report. */
const ARRIVALS: Definition = {
  id: "network-arrivals",
  from: "agent",
  attempt: "make anything arrive at a listener of the host",
  barrier: "all of the above",
};

/** Every row of the table. */
export const definitions: readonly Definition[] = [...cageRows, NEXT_TURN, ARRIVALS, ...loginRows, ...outsideRows, ...daemonRows];

/**
 * Starts the hives that the chosen rows need, carries out their attempts and stops the hives. Attacks from inside and from
 * outside take place at the same time. `report` gets a line for each step.
 */
export async function redteam(
  report: (line: string) => void,
  isChosen: (row: Definition) => boolean = () => true,
): Promise<Result[]> {
  const canLimit = detectLimits().kind !== "prlimit";
  if (!canLimit) report("this host cannot limit a cage: rows that need it are left out");
  const inside = cageRows.filter((row) => isChosen(row) && (row.needs === undefined || canLimit));
  const login = loginRows.filter(isChosen);
  const outside = outsideRows.filter(isChosen);
  const daemon = daemonRows.filter(isChosen);
  const canStart = process.getuid?.() === 0;
  if (daemon.length > 0 && !canStart) report("only root starts a daemon of another user: rows that need it are left out");
  const fromInside = async (): Promise<Result[]> => {
    const fromCages = inside.length > 0 || isChosen(ARRIVALS) ? await attackFromCages(inside, report) : [];
    const fromLogin = login.length > 0 ? await attackFromLogin(login, report) : [];
    const fromDaemon = daemon.length > 0 && canStart ? await attackFromDaemon(daemon, report) : [];
    return [...fromCages, ...fromLogin, ...fromDaemon];
  };
  const fromOutside = async (): Promise<Result[]> => (outside.length > 0 ? attackFromOutside(outside, report) : []);
  // Their hives are others. Both stop theirs before an error ends the whole.
  const ends = await Promise.allSettled([fromInside(), fromOutside()]);
  const failed = ends.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  return ends.flatMap((one) => (one.status === "fulfilled" ? one.value : [])).filter(isChosen);
}

async function attackFromCages(rows: readonly CageRow[], report: (line: string) => void): Promise<Result[]> {
  const isFrom = (position: CagePosition): boolean => rows.some(({ from }) => from === position);
  report("starting a hive");
  const world = await World.start();
  /** An attack that does not end has carried out nothing. */
  const bounded = async (attack: Promise<Record<string, Observation>>): Promise<Record<string, Observation>> => {
    let seen: Record<string, Observation> = {};
    const end = await observe(async () => Object.keys((seen = await attack)).join(" "), ATTACK_MS);
    if (!end.reached) report(`an attack failed: ${end.text}`);
    return seen;
  };
  try {
    const bait = { ...(await world.bait(new Set(rows.map(({ from }) => from)))), rows: rows.map(({ id }) => id) };
    report("attacking from the cages of an agent and of the manager");
    const seen = await Promise.all([
      isFrom("agent") ? bounded(world.attack("mallory", "agent", bait)) : {},
      isFrom("manager") ? bounded(world.attack("hm1nd", "manager", bait)) : {},
    ]);
    const after: Result[] = [];
    if (rows.some(({ from, proof }) => from === "agent" && proof)) {
      report("restarting the agent");
      const { reached, text } = await observe(() => world.restart("mallory"), TURN_MS);
      after.push({ ...NEXT_TURN, outcome: reached ? "blocked" : "open", evidence: text, by: reached ? text : "" });
    }
    if (isFrom("flood")) {
      report("flooding from a cage with small limits");
      seen.push(await bounded(world.flood("flood", bait)));
    }
    report("looking from outside");
    const observed = Object.assign({}, ...seen) as Record<string, Observation>;
    const results: Result[] = [];
    for (const row of rows) results.push(resultOf(row, await proven(row, judge(row, observed[row.id]), world, bait)));
    return [...results, ...after, arrivals(world)];
  } finally {
    await world.stop();
  }
}

/** Starts a hive, attacks from the cage of its log-in to the model, and stops it. */
async function attackFromLogin(rows: typeof loginRows, report: (line: string) => void): Promise<Result[]> {
  report("starting a hive that logs in to the model");
  const place = await LoginPlace.start();
  try {
    const bait = { ...(await place.bait()), rows: rows.map(({ id }) => id) };
    report("attacking from the cage of a log-in");
    const seen = await place.attack(bait);
    const results: Result[] = [];
    for (const row of rows) results.push(resultOf(row, await proven(row, judge(row, seen[row.id]), place, bait)));
    return results;
  } finally {
    await place.stop();
  }
}

/** Adds what is seen from outside to what came of an attempt. */
async function proven<Hive, Aims>(row: CageRow<Hive, Aims>, judged: Judged, world: Hive, bait: Aims): Promise<Judged> {
  if (!row.proof || judged.outcome === "open") return judged;
  const { proof } = row;
  const looked = await observe(async () => proof(world, bait), PROOF_MS);
  if (!looked.reached) return { outcome: "open", evidence: `from outside: ${looked.text}` };
  return { ...judged, evidence: `${judged.evidence}; from outside: ${looked.text}` };
}

function arrivals({ reached }: World): Result {
  const isQuiet = reached.length === 0;
  const evidence = isQuiet ? "nothing arrived" : reached.join(", ");
  return { ...ARRIVALS, outcome: isQuiet ? "blocked" : "open", evidence, by: isQuiet ? evidence : "" };
}
