import { readFileSync, writeFileSync } from "node:fs";
import { cageRows } from "../rows.ts";
import { observe, type Bait, type Observation } from "../row.ts";

/**
 * The attacker's program in a cage: `node <program> <bait.json> <result.json> <position>`. Carries out every attempt from
 * this position, one after the other, and writes what came of each.
 */

/** Longest attempt. Milliseconds. */
const ATTEMPT_MS = 20_000;

const [baitFile = "", resultFile = "", position = ""] = process.argv.slice(2);
const bait = JSON.parse(readFileSync(baitFile, "utf8")) as Bait;
const seen: Record<string, Observation> = {};
for (const row of cageRows) {
  if (row.from !== position) continue;
  seen[row.id] = await observe(() => row.run(bait), ATTEMPT_MS);
}
writeFileSync(resultFile, JSON.stringify(seen));
console.log(`carried out ${Object.keys(seen).length} attempts`);
process.exit(0);
