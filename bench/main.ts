import { flooder } from "./lib/flooder.ts";
import { floor } from "./lib/floor.ts";
import { listeners } from "./lib/listeners.ts";
import { receivers } from "./lib/receivers.ts";
import { hasFailed, verdict, type BenchOptions, type Figure, type Row, type Verdict } from "./lib/row.ts";
import { senders } from "./lib/senders.ts";
import { upstream } from "./lib/upstream.ts";
import { rows } from "./rows/index.ts";

/**
 * `npm run bench -- [--json] [--quick] [--idle-seconds N] [--storm-seconds N] [--rows N] [name…]`: the hive's targets,
 * as ratios within one run. Exits 1 when a figure misses its target by more than the tolerance, or a row breaks.
 */

const HELP = `npm run bench -- [--json] [--quick] [--idle-seconds N] [--storm-seconds N] [--rows N] [${rows.map(({ name }) => name).join("|")}…]`;
const ROLES: Record<string, (argv: string[]) => void | Promise<void>> = {
  flooder,
  floor,
  listeners,
  receivers,
  senders,
  upstream,
};

interface Asked extends BenchOptions {
  json: boolean;
  names: string[];
}

function readArguments(argv: readonly string[]): Asked {
  const asked: Asked = { json: false, quick: false, idleSeconds: 60, stormSeconds: Number.NaN, rows: 1_000_000, names: [] };
  const rest = [...argv];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--json") asked.json = true;
    else if (word === "--quick") asked.quick = true;
    else if (word === "--idle-seconds") asked.idleSeconds = Number(rest.shift());
    else if (word === "--storm-seconds") asked.stormSeconds = Number(rest.shift());
    else if (word === "--rows") asked.rows = Number(rest.shift());
    else if (rows.some(({ name }) => name === word)) asked.names.push(word);
    else throw new Error(HELP);
  }
  if (Number.isNaN(asked.stormSeconds)) asked.stormSeconds = asked.quick ? 10 : 60;
  return asked;
}

async function main(argv: readonly string[]): Promise<void> {
  const asked = readArguments(argv);
  const figures: Figure[] = [];
  const began = performance.now();
  for (const row of rows.filter(({ name }) => asked.names.length === 0 || asked.names.includes(name))) {
    const start = performance.now();
    figures.push(...(await figuresOf(row, asked)));
    console.error(`${row.name}: ${seconds(start)} s`);
  }
  const judged = figures.map((figure) => ({ ...figure, verdict: verdict(figure) }));
  console.log(
    asked.json
      ? JSON.stringify({ node: process.version, seconds: seconds(began), figures: judged }, undefined, 2)
      : `${table(judged)}\n\n${judged.length} figures in ${seconds(began)} s`,
  );
  if (hasFailed(judged.map((figure) => figure.verdict))) process.exitCode = 1;
}

const seconds = (since: number): number => Math.round((performance.now() - since) / 1000);

/** A row that breaks becomes a figure with its error. The others are measured all the same. */
async function figuresOf(row: Row, asked: BenchOptions): Promise<Figure[]> {
  try {
    return await row.run(asked);
  } catch (error) {
    console.error(error);
    return [
      { what: row.name, value: Number.NaN, unit: "", detail: "", broke: error instanceof Error ? error.message : String(error) },
    ];
  }
}

const MARKS: Record<Verdict, string> = {
  reaches: "✓",
  margin: "✓ within the margin",
  short: "✗ falls short",
  record: "for the record",
  skipped: "– skipped",
  broke: "✗ broke",
};

function table(figures: readonly (Figure & { verdict: Verdict })[]): string {
  const amount = (value: number, unit: string): string =>
    `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}${unit === "" ? "" : ` ${unit}`}`;
  const reach = ({ reach: to, unit }: Figure): string => {
    if (!to) return "";
    return "most" in to ? `≤ ${amount(to.most, unit)}` : `≥ ${amount(to.least, unit)}`;
  };
  const lines = figures.map((figure) => [
    figure.what,
    figure.broke ?? figure.skipped ?? amount(figure.value, figure.unit),
    reach(figure),
    MARKS[figure.verdict],
    figure.detail,
  ]);
  const head = ["what", "measured", "reach", "", "behind it"];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const [first, role = "", ...rest] = process.argv.slice(2);
if (first === "--role") await ROLES[role]?.(rest);
else await main(process.argv.slice(2));
