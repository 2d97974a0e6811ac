import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { removeBarriers } from "./barriers/campaign.ts";
import { barriersPart, withBarriers } from "./barriers/document.ts";
import { barriers, doubled } from "./barriers/list/index.ts";
import { verdictLine, verdictSummary } from "./barriers/verdict.ts";
import { boundaryPage } from "./document.ts";
import { HELP, readOptions, type Options } from "./options.ts";
import { definitions, redteam } from "./suite.ts";
import { plainTable, summary } from "./table.ts";

/**
 * `npm run redteam`: attacks hives of its own and prints what came of each attempt. A whole run writes
 * `docs/boundary.md`. Exits with 1 if a row is open. With `--barriers` it removes barriers and expects the rows to turn
 * open; it exits with 1 if one removal is not noticed.
 */

/** The exit code for a wrong option. */
const USAGE = 2;

const seconds = (): number => Math.round(performance.now() / 1000);

async function attack({ isChosen, isWhole, json }: Options): Promise<void> {
  const results = await redteam((line) => console.error(`${seconds()} s: ${line}`), isChosen);
  // Rows that this host cannot carry out are left out, and so is the page.
  if (isWhole && results.length === definitions.length)
    writeFileSync(join(process.cwd(), "docs/boundary.md"), boundaryPage(results));
  console.log(json ? JSON.stringify(results, null, 2) : `${plainTable(results)}\n${summary(results)}`);
  process.exitCode = results.some(({ outcome }) => outcome === "open") ? 1 : 0;
}

async function removeEach(names: readonly string[], { json }: Options): Promise<void> {
  const isNamed = ({ name }: { name: string }): boolean => names.length === 0 || names.includes(name);
  const chosen = { barriers: barriers.filter(isNamed), doubled: doubled.filter(isNamed) };
  const verdicts = await removeBarriers(chosen, (verdict) => {
    if (json) console.error(`${seconds()} s: ${verdictLine(verdict)}`);
    else console.log(verdictLine(verdict));
  });
  const page = join(process.cwd(), "docs/campaigns.md");
  if (names.length === 0) writeFileSync(page, withBarriers(readFileSync(page, "utf8"), barriersPart(verdicts, chosen)));
  console.log(json ? JSON.stringify(verdicts, null, 2) : verdictSummary(verdicts));
  process.exitCode = verdicts.some(({ kind }) => kind === "not noticed") ? 1 : 0;
}

let options: Options | undefined;
try {
  const names = [...barriers, ...doubled].map(({ name }) => name);
  options = readOptions(process.argv.slice(2), definitions, names);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = USAGE;
}
if (options?.help) process.stdout.write(HELP);
else if (options?.barriers) await removeEach(options.barriers, options);
else if (options) await attack(options);
