import { CommanderError } from "commander";
import { EXIT, UsageError } from "./exit.ts";
import { buildProgram } from "./program.ts";
import { printFailure } from "./shell.ts";

// A reader that goes away (`hivectl messages | head`) is no failure: the verb goes on, and the exit code says how it ended.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") process.exit(EXIT.refused);
  });
try {
  await buildProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  // Commander has told people on standard error; it does not know --json where the line is not understood.
  if (error.exitCode !== 0 && process.argv.includes("--json"))
    printFailure(new UsageError(error.message.replace(/^error: /, "")));
}
