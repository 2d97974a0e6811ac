import { parseArgs } from "node:util";
import type { Definition } from "./result.ts";

export const HELP = `npm run redteam -- [options]: attacks hives of its own and prints what came of each attempt

  --only <pattern>   only the rows whose id matches, such as web- or ^user-;
                     docs/boundary.md is written by a whole run only
  --json             print the rows as JSON
  -h, --help         print this

Exits with 1 if a row is open, and with 2 for a wrong option.
`;

export interface Options {
  isChosen(row: Definition): boolean;
  /** True if every row is carried out. */
  isWhole: boolean;
  json: boolean;
  help: boolean;
}

/** Reads the command line. Throws an error in words for what is no option and for a pattern that no row matches. */
export function readOptions(argv: readonly string[], rows: readonly Definition[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: { only: { type: "string" }, json: { type: "boolean" }, help: { type: "boolean", short: "h" } },
  });
  const { only, json = false, help = false } = values;
  const pattern = only === undefined ? undefined : patternOf(only);
  const isChosen = ({ id }: Definition): boolean => pattern?.test(id) ?? true;
  if (!rows.some(isChosen))
    throw new Error(
      `no row matches --only ${only}; the ids begin with ${[...new Set(rows.map(({ id }) => id.split("-")[0]))].join(", ")}`,
    );
  return { isChosen, isWhole: pattern === undefined, json, help };
}

function patternOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new Error(`--only ${text} is no pattern: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}
