import type { Command } from "commander";
import { argumentTerm } from "./help.ts";
import { isGroup, verbName, verbsOf } from "./verbs.ts";

/** Escapes text for roff, so that no character of it is read as a request. */
function roff(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replaceAll(/^([.'])/gm, String.raw`\&$1`);
}

/** A fixed width, so that the page is the same on every terminal. */
const MAN_WIDTH = 80;

/** The text of `addHelpText("after")`. Commander prints it but has no getter for it. */
function afterHelp(command: Command): string {
  let all = "";
  command.configureOutput({ writeOut: (text) => (all += text), getOutHelpWidth: () => MAN_WIDTH });
  const own = command.helpInformation();
  command.outputHelp();
  return all.slice(own.length).trim();
}

function options(command: Command, skip: readonly string[] = []): string[] {
  return command
    .createHelp()
    .visibleOptions(command)
    .filter((option) => !skip.includes(option.long ?? ""))
    .flatMap((option) => [".TP", `.B ${roff(option.flags)}`, roff(option.description)]);
}

/** Options of every verb, described once. */
const COMMON = ["--json", "--socket", "--help"];

function verb(command: Command): string[] {
  const lines = [
    `.SS "${roff(`hivectl ${verbName(command)} ${argumentTerm(command)}`.trim())}"`,
    roff(sentence(command.description())),
  ];
  for (const argument of command.registeredArguments)
    if (argument.description) lines.push(".TP", `.I ${roff(argument.name())}`, roff(sentence(argument.description)));
  for (const line of options(command, COMMON)) lines.push(line);
  const after = afterHelp(command);
  if (after !== "") lines.push(".PP", ".nf", roff(after.replaceAll(/^ {2}/gm, "    ")), ".fi");
  return lines;
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** Makes the man page of hivectl from its command definitions. */
export function manPage(program: Command, exitCodes: readonly (readonly [number, string])[]): string {
  const groups = new Map<string, Command[]>();
  for (const command of verbsOf(program)) {
    const top = command.parent !== null && isGroup(command.parent) ? command.parent : command;
    const heading = top.helpGroup() || "Verbs:";
    groups.set(heading, [...(groups.get(heading) ?? []), command]);
  }
  const lines = [
    `.TH HIVECTL 1 "" "hyperhive ${program.version() ?? ""}" "hyperhive"`,
    ".SH NAME",
    String.raw`hivectl \- the operator's terminal to a hyperhive`,
    ".SH SYNOPSIS",
    ".B hivectl",
    "[options] [verb] [arguments]",
    ".SH DESCRIPTION",
    roff(
      "hivectl speaks to the daemon (hive-c0re) over its socket, as the operator. Without a verb it shows the hive at a glance.",
    ),
    ".PP",
    roff(
      "Tables are cut to the terminal with an ellipsis and never wrapped; into a pipe they are written whole. Colours are used on a terminal only. What agents wrote is printed without control characters; in show and approve hidden characters are marked instead, because they are about to be approved.",
    ),
    ".SH OPTIONS",
    ...options(program),
    ...[...groups].flatMap(([heading, commands]) => [
      `.SH ${roff(heading.replace(/:$/, "").toUpperCase())}`,
      ...commands.flatMap(verb),
    ]),
    ".SH EXIT STATUS",
    ...exitCodes.flatMap(([code, words]) => [".TP", `.B ${code}`, roff(sentence(words))]),
    ".SH ENVIRONMENT",
    ...ENVIRONMENT.flatMap(([name, words]) => [".TP", `.B ${name}`, roff(words)]),
    ".SH FILES",
    ".TP",
    ".I $XDG_STATE_HOME/hyperhive/run/host.sock",
    "The socket of your own hive.",
    ".TP",
    ".I /run/hyperhive/host.sock, /var/lib/hyperhive/run/host.sock",
    "The socket of a hive that runs as a system service.",
    ".SH SEE ALSO",
    "docs/hivectl.md for an introduction, docs/hivectl\\-json.md for what \\-\\-json prints.",
  ];
  return `${lines.join("\n")}\n`;
}

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  ["HIVE_STATE_DIR", "The state folder of the hive; its socket is in run/ below it."],
  ["HIVE_RUN_DIR", "The folder of the hive's sockets, where it is another."],
  ["NO_COLOR", "When it is set and not empty, nothing is coloured."],
  ["COLUMNS", "The width of tables where the output is not a terminal."],
];
