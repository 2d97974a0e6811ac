import type { Command } from "commander";
import type { More } from "./examples.ts";
import { reflow } from "./wrap.ts";

/** How wide help is where it is not printed on a terminal. */
const HELP_WIDTH = 80;
/** Descriptions are broken between words also where few columns are left for them. */
export const MIN_DESCRIPTION = 16;

/** Columns that the help of a verb may take. */
const columnsOf = (command: Command): number => command.configureOutput().getOutHelpWidth?.() || HELP_WIDTH;

/** A verb in the list of verbs: its name and arguments. That it has options is no news, every verb has some. */
export function verbTerm(command: Command): string {
  const args = command.registeredArguments.map((one) => {
    const name = `${one.name()}${one.variadic ? "..." : ""}`;
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...args].join(" ");
}

/** Adds to a verb's help what one should know, and how it is typed. */
export function addMore(command: Command, { words, examples }: More): void {
  command.addHelpText("after", () => {
    const columns = columnsOf(command);
    const title = examples.length === 1 ? "Example:" : "Examples:";
    const prose = words === undefined ? "" : `\n${reflow(words, columns)}\n`;
    return `${prose}\n${title}\n${examples.map((one) => `  ${one}`).join("\n")}`;
  });
}

/** Adds what the exit codes mean. */
export function addExitCodes(command: Command, codes: readonly (readonly [number, string])[]): void {
  command.addHelpText("after", () => {
    const lines = codes.map(([code, words]) => reflow(`  ${code}  ${words}`, columnsOf(command), 5));
    return `\nExit codes:\n${lines.join("\n")}`;
  });
}
