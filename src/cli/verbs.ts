import type { Command } from "commander";
import { hivectlName } from "../lib/hivectl.ts";
import { closestVerb } from "../wire/suggest.ts";
import { EXIT } from "./exit.ts";

/** True for a command that only holds verbs, such as `repo`. */
export const isGroup = (command: Command): boolean => command.parent !== null && command.commands.length > 0;

/** The words of a verb after `hivectl`: `show`, or `repo show` for a verb of a group. Empty for the program. */
export function verbName(command: Command): string {
  return command.parent === null ? "" : `${verbName(command.parent)} ${command.name()}`.trimStart();
}

/** The visible verbs of the program or of a group, in the order of the help. A group's verbs take its place. */
export function verbsOf(command: Command): Command[] {
  return command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name() !== "help")
    .flatMap((one) => (isGroup(one) ? verbsOf(one) : one));
}

/** Every command below this one: groups and verbs, hidden ones too. */
export function allCommands(command: Command): Command[] {
  return command.commands.flatMap((one) => [one, ...allCommands(one)]);
}

/** The verb with these words, or undefined. */
export function findVerb(program: Command, words: string): Command | undefined {
  return allCommands(program).find((one) => verbName(one) === words);
}

/** Words that users try for what has another name here, and what does it. */
export const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  history: ["messages", "turns", "deploys", "audit"],
  chat: ["send", "top"],
  merge: ["change approve"],
};

/** Verbs of the daemon's own program. */
const OF_DAEMON: readonly string[] = ["doctor", "serve"];

/** Ends with a usage error for a word that is no verb of the program or of a group. Suggests the nearest verb. */
export function refuseWord(command: Command, word: string): never {
  const whole = (name: string): string => `${verbName(command)} ${name}`.trimStart();
  const others = command.parent === null && Object.hasOwn(OTHER_WORDS, word) ? OTHER_WORDS[word] : undefined;
  const meant = closestVerb(
    word,
    command.commands.map((one) => one.name()),
  );
  if (command.parent === null && OF_DAEMON.includes(word))
    command.error(`error: ${word} is a verb of the daemon's program: \`npx hive-c0re ${word}\``, { exitCode: EXIT.usage });
  const hint = others ? `; see ${others.join(", ")}` : meant === undefined ? "" : `; did you mean ${whole(meant)}?`;
  command.error(`error: there is no verb '${whole(word)}'${hint}`, { exitCode: EXIT.usage });
}

/** Declares a group of verbs. `repo` alone is a usage error that lists them. */
export function group(program: Command, name: string, words: string): Command {
  const command = program.command(name).description(words).usage("<verb> [options]").commandsGroup("Verbs:").helpCommand(false);
  return command.action(() => {
    const [word] = command.args;
    if (word !== undefined) refuseWord(command, word);
    const names = command.commands.map((one) => one.name()).join(", ");
    command.error(`error: ${name} takes a verb: ${names}`, { exitCode: EXIT.usage });
  });
}

/** The hint after a usage error: where the help is. */
export function helpHint(command: Command): string {
  const words = `${hivectlName()} ${verbName(command)} --help`;
  return isGroup(command) ? `(${words} lists the verbs)` : `(${words} says more)`;
}
