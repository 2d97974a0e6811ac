import { Command, CommanderError } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { agentCommands, showStatus } from "./commands/agents.ts";
import { hiveCommands } from "./commands/hive.ts";
import { messageCommands } from "./commands/messages.ts";
import { questionCommands } from "./commands/questions.ts";
import { turnCommands } from "./commands/turns.ts";
import { EXIT, withShell } from "./shell.ts";

const program = new Command("hivectl")
  .description("The operator's terminal to a hyperhive. Without a verb it shows the hive at a glance.")
  .version(manifest.version)
  .option("--json", "print what the daemon answered, one JSON object per line")
  .option("--socket <path>", "the daemon's host.sock; by default that of HIVE_STATE_DIR, your own, or the system's")
  .showHelpAfterError("(hivectl --help lists the verbs)")
  .showSuggestionAfterError()
  .exitOverride()
  .addHelpText("after", "\nExit codes: 0 done, 1 refused, 2 not understood, 3 no daemon answers, 4 some of several failed.")
  .allowExcessArguments()
  .action(() => {
    const [unknown] = program.args;
    if (unknown !== undefined) program.error(`error: there is no verb '${unknown}'`, { exitCode: EXIT.usage });
    return withShell(program.opts(), async (shell) => {
      await showStatus(shell);
      shell.say(shell.paint("dim", "\nhivectl --help lists the verbs"));
    });
  });

agentCommands(program);
messageCommands(program);
questionCommands(program);
turnCommands(program);
hiveCommands(program);
// A verb's own options may stand before or after the common ones.
for (const command of program.commands)
  command.exitOverride().option("--json", "print what the daemon answered").option("--socket <path>", "the daemon's host.sock");

// A reader that goes away (`hivectl watch | head`) ends us without a word.
process.stdout.on("error", () => process.exit(EXIT.ok));
try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
}
