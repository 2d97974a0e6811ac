import { CommanderError } from "commander";
import { buildProgram } from "./program.ts";
import { EXIT } from "./shell.ts";

// A reader that goes away (`hivectl watch | head`) ends us without a word.
process.stdout.on("error", () => process.exit(EXIT.ok));
try {
  await buildProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
