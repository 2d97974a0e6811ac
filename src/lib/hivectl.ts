import { accessSync, constants, existsSync, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** The name of the operator's command, as the operator can type it. Every hint names it with `hivectl` or `asRun`. */

/** Where a command is typed: the folder, and the program that gives the hint. */
interface Typed {
  cwd: string;
  program: string;
}

let folders = "";
let typed: Typed | undefined;
let found: string | undefined;

/**
 * Sets the PATH in which the command is looked up, and where its words are typed: once, at the start of a program. The
 * daemon does not know where its words are typed.
 */
export function findHivectlIn(path: string, where?: Typed): void {
  folders = path;
  typed = where;
  found = undefined;
}

/**
 * `hivectl` if a folder of this PATH has it, else `npx hivectl`, which works in a checkout; elsewhere npx would ask its
 * registry for a package of that name, so the hint is the path of the command. The folders that npm adds for its scripts
 * do not count: they are not in the operator's PATH.
 */
export function commandIn(path: string, where?: Typed): string {
  const own = path.split(delimiter).filter((folder) => folder !== "" && !folder.split("/").includes("node_modules"));
  if (own.some((folder) => isProgram(join(folder, "hivectl")))) return "hivectl";
  if (where === undefined || isInCheckout(where)) return "npx hivectl";
  return besideOf(where.program) ?? "npx hivectl";
}

/**
 * True if npx finds this program's command in a folder: it looks in the nearest folder with a package. Another checkout
 * may be an agent's, whose command must not run as the operator.
 */
function isInCheckout({ cwd, program }: Typed): boolean {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json"))) return isSame(join(folder, "dist"), dirname(program));
    if (folder === dirname(folder)) return false;
  }
}

function isSame(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    // One of them is not there.
    return false;
  }
}

/** The command in the folder of a program, as a shell takes it. */
function besideOf(program: string): string | undefined {
  const file = join(dirname(existsSync(program) ? realpathSync(program) : program), "hivectl");
  return isProgram(file) ? shellWord(file) : undefined;
}

/** A text as one word of a shell. What an agent has named may have signs that a shell carries out. */
export function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** The command without words. */
export function hivectlName(): string {
  return (found ??= commandIn(folders, typed));
}

/**
 * The command as it can be typed in any folder, also by another user of the host: `npx` works only in the checkout.
 * `checkout` is where the program is on the host, if the daemon sees it elsewhere.
 */
export function hivectlAnywhere(checkout?: string): string {
  if (hivectlName() === "hivectl") return "hivectl";
  if (checkout !== undefined) return shellWord(join(checkout, "dist", "hivectl"));
  return besideOf(process.argv[1] ?? "") ?? hivectlName();
}

/** A command in a hint, in backticks: `hivectl("show 12")`. */
export function hivectl(words: string): string {
  return `\`${hivectlName()} ${words}\``;
}

/** A text of the daemon or of the contract with its hints as the operator can type them. Never for text of an agent. */
export function asRun(text: string): string {
  return text.replaceAll(/`hivectl (?=[a-z-])/g, () => `\`${hivectlName()} `);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not in this folder.
    return false;
  }
}
