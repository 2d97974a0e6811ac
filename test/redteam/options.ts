import { parseArgs } from "node:util";
import type { Definition } from "./result.ts";

export const HELP = `npm run redteam -- [options]: attacks hives of its own and prints what came of each attempt

  --only <pattern>   only the rows whose id matches, such as web- or ^user-;
                     docs/boundary.md is written by a whole run only
  --barriers [name…] removes barriers from a copy of the source, each alone, and
                     checks that the rows of each turn open; with names only
                     these; a whole run writes its table into docs/campaigns.md
  --json             print the rows, or what came of the barriers, as JSON
  -h, --help         print this

Exits with 1 if a row is open or the removal of a barrier is not noticed, and
with 2 for a wrong option.
`;

export interface Options {
  isChosen(row: Definition): boolean;
  /** True if every row is carried out. */
  isWhole: boolean;
  /** The barriers to remove; every one if there is no name. Undefined: none is removed. */
  barriers: readonly string[] | undefined;
  json: boolean;
  help: boolean;
}

/**
 * Reads the command line. Throws an error in words for an unknown option, for a pattern that no row matches and for an
 * unknown barrier.
 */
export function readOptions(argv: readonly string[], rows: readonly Definition[], barriers: readonly string[] = []): Options {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: argv.includes("--barriers"),
    options: {
      only: { type: "string" },
      barriers: { type: "boolean" },
      json: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const { only, json = false, help = false } = values;
  const pattern = only === undefined ? undefined : patternOf(only);
  const isChosen = ({ id }: Definition): boolean => pattern?.test(id) ?? true;
  if (!rows.some(isChosen))
    throw new Error(
      `no row matches --only ${only}; the ids begin with ${[...new Set(rows.map(({ id }) => id.split("-")[0]))].join(", ")}`,
    );
  if (values.barriers === true && only !== undefined)
    throw new Error("--barriers chooses its rows itself: name barriers, or leave out --only");
  const unknown = positionals.find((name) => !barriers.includes(name));
  if (unknown !== undefined) throw new Error(`there is no barrier ${unknown}; there are ${barriers.join(", ")}`);
  return { isChosen, isWhole: pattern === undefined, barriers: values.barriers === true ? positionals : undefined, json, help };
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new Error(`--only ${text} is no pattern: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
