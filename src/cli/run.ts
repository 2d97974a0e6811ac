import { CommanderError } from "commander";
import { hivectlName } from "../lib/hivectl.ts";
import { EXIT, UsageError } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { printFailure } from "./shell.ts";
import { allCommands } from "./verbs.ts";

/** A help text whose examples, and commands in backticks, can be typed as they are. */
export const withRunnable = (help: string): string =>
  help
    .replaceAll(/^( {2}(?:.*[|(] ?)?)hivectl (?=[a-z-])/gm, (_, lead: string) => `${lead}${hivectlName()} `)
    // The wrapped text may have a line break after the name.
    .replaceAll(/`hivectl(?=\s+[a-z-])/g, () => `\`${hivectlName()}`);

/**
 * Runs hivectl with the words after its name. Sets the exit code of the process; never rejects for a failed verb. A
 * program that was built before can run again: each parse begins from its defaults.
 */
export async function run(words: readonly string[], program = buildProgram()): Promise<void> {
  try {
    // The man page has the plain name; the help that is printed has the one that can be typed.
    const writeOut = (text: string): void => void process.stdout.write(withRunnable(text));
    for (const command of [program, ...allCommands(program)]) command.configureOutput({ writeOut });
    await program.parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // Commander has printed the error for people. It does not know --json when it cannot parse the line.
    if (error.exitCode !== 0 && words.includes("--json")) printFailure(new UsageError(error.message.replace(/^error: /, "")));
  }
}
