import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { boundaryPage } from "./document.ts";
import { HELP, readOptions, type Options } from "./options.ts";
import { definitions, redteam } from "./suite.ts";
import { plainTable, summary } from "./table.ts";

/**
 * `npm run redteam`: attacks hives of its own and prints what came of each attempt. A whole run writes
 * `docs/boundary.md`. Exits with 1 if a row is open.
 */

/** The exit code for a wrong option. */
const USAGE = 2;

async function main({ isChosen, isWhole, json }: Options): Promise<void> {
  const report = (line: string): void => console.error(`${Math.round(performance.now() / 1000)} s: ${line}`);
  const results = await redteam(report, isChosen);
  // Rows that this host cannot carry out are left out, and so is the page.
  if (isWhole && results.length === definitions.length)
    writeFileSync(join(process.cwd(), "docs/boundary.md"), boundaryPage(results));
  console.log(json ? JSON.stringify(results, null, 2) : `${plainTable(results)}\n${summary(results)}`);
  process.exitCode = results.some(({ outcome }) => outcome === "open") ? 1 : 0;
}

let options: Options | undefined;
try {
  options = readOptions(process.argv.slice(2), definitions);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = USAGE;
}
if (options?.help) process.stdout.write(HELP);
else if (options) await main(options);
