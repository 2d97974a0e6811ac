import { hivectlName } from "../lib/hivectl.ts";
import { Command } from "commander";
import manifest from "../../package.json" with { type: "json" };
import { agentCommands, showStatus } from "./commands/agents.ts";
import { backupCommands } from "./commands/backup.ts";
import { budgetCommands } from "./commands/budgets.ts";
import { deployCommands } from "./commands/deploys.ts";
import { fileCommands } from "./commands/files.ts";
import { hiveCommands } from "./commands/hive.ts";
import { loopCommand } from "./commands/loops.ts";
import { migrateCommand } from "./commands/migrate.ts";
import { messageCommands } from "./commands/messages.ts";
import { operatorCommands } from "./commands/operators.ts";
import { questionCommands } from "./commands/questions.ts";
import { recordCommands } from "./commands/records.ts";
import { usageCommand } from "./commands/usage.ts";
import { changeCommands } from "./commands/changes.ts";
import { repositoryCommands } from "./commands/repositories.ts";
import { requestCommands } from "./commands/requests.ts";
import { credentialCommands } from "./commands/credentials.ts";
import { secretCommands } from "./commands/secrets.ts";
import { terminalCommands } from "./commands/terminal.ts";
import { turnCommands } from "./commands/turns.ts";
import { workspaceCommands } from "./commands/workspaces.ts";
import { MORE } from "./examples.ts";
import { addExitCodes, addMore, MIN_DESCRIPTION, verbTerm } from "./help.ts";
import { EXIT_CODES } from "./exit.ts";
import { withShell } from "./shell.ts";
import { allCommands, helpHint, isGroup, refuseWord, verbName } from "./verbs.ts";

/** The verbs, in the groups of the help. */
const GROUPS: readonly (readonly [string, (program: Command) => void])[] = [
  ["Agents:", agentCommands],
  ["Messages:", messageCommands],
  ["Messages:", loopCommand],
  ["Questions:", questionCommands],
  ["Turns:", turnCommands],
  ["Turns:", recordCommands],
  ["Turns:", usageCommand],
  ["Budgets:", budgetCommands],
  ["Requests:", requestCommands],
  ["Deploys:", deployCommands],
  ["Deploys:", migrateCommand],
  ["Repositories and changes:", repositoryCommands],
  ["Repositories and changes:", changeCommands],
  ["Repositories and changes:", workspaceCommands],
  ["Files:", fileCommands],
  ["The hive:", hiveCommands],
  ["The hive:", operatorCommands],
  ["The hive:", secretCommands],
  ["The hive:", credentialCommands],
  ["Backups:", backupCommands],
  ["This terminal:", terminalCommands],
];

/** The ten verbs that users need most. The help begins with them, each on one line. */
const FIRST: Readonly<Record<string, string>> = {
  status: "the hive at a glance",
  top: "the hive as it lives; its keys act",
  spawn: "create an agent and start it",
  send: "send a message; --wait prints the answer",
  inbox: "messages to you",
  tail: "follow an agent's turns",
  pending: "requests that wait for you",
  show: "a request with its whole diff",
  approve: "show a request and approve it",
  deny: "deny a request; the requester is notified",
};

/** Puts the ten first, under their own heading. The help lists groups and verbs in the program's order. */
function putFirst(program: Command): void {
  const names = Object.keys(FIRST);
  const rank = (command: Command): number => (command.name() in FIRST ? names.indexOf(command.name()) : names.length);
  (program.commands as Command[]).sort((a, b) => rank(a) - rank(b));
  for (const command of program.commands) {
    const summary = FIRST[command.name()];
    if (summary !== undefined) command.summary(summary).helpGroup("The ten to begin with:");
  }
}

/** The words of an argument that cannot be parsed, as one sentence. */
export const usageWords = (words: string): string =>
  words
    .replace(
      /^error: command-argument value '([\s\S]*)' is invalid for argument '([^']*)'\. /,
      "hivectl: <$2> '$1' is not valid: ",
    )
    .replace(/^(error: option '[^']*' argument '[\s\S]*' is) invalid\. /, "$1 not valid: ")
    .replace(/^error: /, "hivectl: ");

/** Builds every verb of hivectl with its arguments, options and help. The man page and the completions derive from it. */
export function buildProgram(): Command {
  const program = new Command("hivectl")
    .description("The operator's terminal to a hyperhive. Without a verb it shows the hive at a glance.")
    .version(manifest.version)
    .option("--json", "print what the daemon answered, one JSON object per line")
    .option(
      "--socket <path>",
      "the daemon's host.sock, or an operator's own socket; by default HIVE_STATE_DIR's, your own, or the system's",
    )
    .configureHelp({ showGlobalOptions: false, subcommandTerm: verbTerm, minWidthToWrap: MIN_DESCRIPTION })
    .configureOutput({ outputError: (words, write) => write(usageWords(words)) })
    .showHelpAfterError(`(${hivectlName()} --help lists the verbs)`)
    .showSuggestionAfterError()
    .exitOverride()
    .allowExcessArguments()
    .action(() => {
      const [unknown] = program.args;
      if (unknown !== undefined) refuseWord(program, unknown);
      return withShell(program.opts(), async (shell) => {
        await showStatus(shell);
        shell.say(shell.paint("dim", `\n${hivectlName()} --help lists the verbs`));
      });
    });
  addExitCodes(program, EXIT_CODES);
  for (const [heading, declare] of GROUPS) {
    const before = program.commands.length;
    declare(program);
    for (const command of program.commands.slice(before)) command.helpGroup(heading);
  }
  putFirst(program);
  for (const command of allCommands(program)) {
    const more = MORE[verbName(command)];
    if (more) addMore(command, more);
    command
      .exitOverride()
      // An excess argument is an error: `approve 12 13` approves nothing. A group refuses one as an unknown verb.
      .allowExcessArguments(isGroup(command))
      .showHelpAfterError(helpHint(command))
      // The common options may come before or after the verb.
      .option("--json", "print what the daemon answered")
      .option("--socket <path>", "the daemon's host.sock");
  }
  return program;
}
