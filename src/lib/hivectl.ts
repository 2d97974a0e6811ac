import { accessSync, constants, realpathSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

/** The name of the operator's command, as the operator can type it. Every hint names it with `hivectl` or `asRun`. */

let folders = "";
let found: string | undefined;

/** Sets the PATH in which the command is looked up: once, at the start of a program. */
export function findHivectlIn(path: string): void {
  folders = path;
  found = undefined;
}

/**
 * `hivectl` if a folder of this PATH has it, else `npx hivectl`, which works in a checkout. The folders that npm adds
 * for its scripts do not count: they are not in the operator's PATH.
 */
export function commandIn(path: string): string {
  const own = path.split(delimiter).filter((folder) => folder !== "" && !folder.split("/").includes("node_modules"));
  return own.some((folder) => isProgram(join(folder, "hivectl"))) ? "hivectl" : "npx hivectl";
}

/** The command without words. */
export function hivectlName(): string {
  return (found ??= commandIn(folders));
}

/**
 * The command as another user of the host can type it: `npx` works only for the owner of a checkout. `program` is the
 * file that runs.
 */
export function hivectlForOthers(program = process.argv[1] ?? ""): string {
  if (hivectlName() === "hivectl") return "hivectl";
  return join(dirname(realpathSync(program)), "hivectl");
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
