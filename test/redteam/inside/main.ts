import { appendFileSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { cageRows } from "../rows.ts";
import { observe, type Bait, type Observation } from "../row.ts";
import { loginRows } from "../rows/login.ts";

/**
 * The attacker's program in a cage: `node <program> <bait.json> <result.json> <position>`. Carries out every attempt from
 * this position, and writes what came of each. `<result.json>.begun` has a line for each attempt from its beginning on.
 */

/** Longest attempt. Milliseconds. */
const ATTEMPT_MS = 60_000;
/** Attempts at once: most of them wait for a process or an answer. */
const AT_ONCE = 6;

const [baitFile = "", resultFile = "", position = ""] = process.argv.slice(2);
const bait = JSON.parse(readFileSync(baitFile, "utf8")) as Bait;
type Attempt = { id: string; from: string; alone?: true; run(bait: Bait): Promise<string> };
const rows = ([...cageRows, ...loginRows] as Attempt[]).filter(({ from, id }) => from === position && bait.rows.includes(id));
const seen: Record<string, Observation> = {};

async function carryOut(queue: Attempt[]): Promise<void> {
  for (let row = queue.shift(); row; row = queue.shift()) {
    const { id, run } = row;
    appendFileSync(`${resultFile}.begun`, `${id}\n`);
    seen[id] = await observe(() => run(bait), ATTEMPT_MS);
  }
}

const together = rows.filter(({ alone }) => alone !== true);
await Promise.all(Array.from({ length: AT_ONCE }, () => carryOut(together)));
await carryOut(rows.filter(({ alone }) => alone === true));
// Whole from the moment that it is there.
writeFileSync(`${resultFile}.new`, JSON.stringify(seen));
renameSync(`${resultFile}.new`, resultFile);
console.log(`carried out ${Object.keys(seen).length} attempts`);
process.exit(0);
