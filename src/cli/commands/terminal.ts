import { Argument, type Command } from "commander";
import { findSocket } from "../socket.ts";
import { EXIT_CODES } from "../exit.ts";
import { environment } from "../shell.ts";

/** Verbs for this terminal. They need no daemon. */
export function terminalCommands(program: Command): void {
  program
    .command("completion")
    .addArgument(new Argument("<shell>", "your shell").choices(["bash", "zsh", "fish"]))
    .description("print the completion script of a shell; it completes live names of agents")
    .action(async (shell: "bash" | "zsh" | "fish") => {
      const { COMPLETION_SCRIPTS } = await import("../completion/scripts.ts");
      process.stdout.write(COMPLETION_SCRIPTS[shell]);
    });

  program
    .command("man")
    .description("print this program's man page: `hivectl man | man -l -`")
    .action(async () => {
      const { manPage } = await import("../man.ts");
      process.stdout.write(manPage(program, EXIT_CODES));
    });

  program
    .command("__complete", { hidden: true })
    .argument("[words...]")
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const { complete } = await import("../completion/complete.ts");
      const found = await complete(program, words, (explicit) => findSocket(environment, explicit));
      process.stdout.write(found.map((one) => `${one.value}\t${one.words}\n`).join(""));
    });
}
