import { redteam } from "./suite.ts";
import { plainTable, summary } from "./table.ts";

/**
 * `npm run redteam`: attacks a hive of its own and prints what came of each attempt. Exits with 1 if a row is open. `npm
 * run redteam -- egress` carries out only the rows with this word in their id.
 */

const report = (line: string): void => console.error(`${Math.round(performance.now() / 1000)} s: ${line}`);
const results = await redteam(report, process.argv[2]);
console.log(plainTable(results));
console.log(summary(results));
process.exitCode = results.some(({ outcome }) => outcome === "open") ? 1 : 0;
