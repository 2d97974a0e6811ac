import type { Command } from "commander";
import type { More } from "./examples.ts";
import { isGroup } from "./verbs.ts";
import { reflow } from "./wrap.ts";

/** Columns of the help where the output is not a terminal. */
const HELP_WIDTH = 80;
/** Minimum columns of a description. Even there it is broken only between words. */
export const MIN_DESCRIPTION = 16;

/** Columns for the help of a verb. */
const columnsOf = (command: Command): number => command.configureOutput().getOutHelpWidth?.() || HELP_WIDTH;

/** The arguments of a verb as its usage shows them. A group takes a verb. */
export function argumentTerm(command: Command): string {
  if (isGroup(command)) return "<verb>";
  const args = command.registeredArguments.map((one) => {
    const name = `${one.name()}${one.variadic ? "..." : ""}`;
    return one.required ? `<${name}>` : `[${name}]`;
  });
  return args.join(" ");
}

/** A verb in the list of verbs: its name and arguments. Every verb has options, so they are not mentioned. */
export function verbTerm(command: Command): string {
  return `${command.name()} ${argumentTerm(command)}`.trimEnd();
}

/** Adds background and examples to a verb's help. */
export function addMore(command: Command, { words, examples }: More): void {
  command.addHelpText("after", () => {
    const columns = columnsOf(command);
    const title = examples.length === 1 ? "Example:" : "Examples:";
    const prose = words === undefined ? "" : `\n${reflow(words, columns)}\n`;
    return `${prose}\n${title}\n${examples.map((one) => `  ${one}`).join("\n")}`;
  });
}

/** Adds the meaning of the exit codes. */
export function addExitCodes(command: Command, codes: readonly (readonly [number, string])[]): void {
  command.addHelpText("after", () => {
    const lines = codes.map(([code, words]) => reflow(`  ${code}  ${words}`, columnsOf(command), 5));
    return `\nExit codes:\n${lines.join("\n")}`;
  });
}
