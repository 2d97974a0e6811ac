import { CommanderError } from "commander";
import { EXIT, UsageError } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { printFailure } from "./shell.ts";

/** Runs hivectl with the words after its name. Sets the exit code of the process; never rejects for a failed verb. */
export async function run(words: readonly string[]): Promise<void> {
  try {
    await buildProgram().parseAsync(words, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    // Commander has printed the error for people. It does not know --json when it cannot parse the line.
    if (error.exitCode !== 0 && words.includes("--json")) printFailure(new UsageError(error.message.replace(/^error: /, "")));
  }
}
