import { InvalidArgumentError, type Command } from "commander";

/** Parses a number on the command line: 1, 2, 3… Throws the text for the usage line. */
export function wholeNumber(text: string): number {
  const value = Number(text.replace(/^#/, ""));
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("it is a whole number from 1 on.");
  return value;
}

/** Parses an agent's name, with or without its `@`. */
export function agentName(text: string): string {
  return text.replace(/^@/, "");
}

/** Parses an argument that takes several agents. */
function agentNames(name: string, before: string[] | undefined): string[] {
  return [...(before ?? []), agentName(name)];
}

/** Collects the values of a repeatable option. */
export const repeated = (value: string, before: string[] = []): string[] => [...before, value];

/** Declares a verb for several agents: their names, or --all. */
export function scoped(program: Command, verb: string, words: string, all = "every agent"): Command {
  return waits(program.command(verb).argument("[names...]", "the agents", agentNames).description(words).option("--all", all));
}

/** Adds --timeout to a verb that waits for an agent, a deploy or an answer. */
export function waits(command: Command): Command {
  return command.options.some(({ long }) => long === "--timeout") ? command : command.option(...TIMEOUT);
}

/** The longest wait that --timeout accepts: a week, in seconds. The runtime's timers end at 24 days. */
const MAX_TIMEOUT_SECONDS = 7 * 24 * 3600;
const UNITS: Readonly<Record<string, number>> = { "": 1, s: 1, m: 60, h: 3600 };

/** Parses a timeout: `90`, `90s`, `5m`, `1h`. Returns seconds. */
export function timeoutSeconds(text: string): number {
  const [, figure, unit = ""] = /^(\d+(?:\.\d+)?)([smh]?)$/.exec(text) ?? [];
  const seconds = Number(figure) * (UNITS[unit] ?? 1);
  if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS))
    throw new InvalidArgumentError("it is a time such as 90, 90s, 5m or 1h, at most a week.");
  return seconds;
}

const TIMEOUT = ["--timeout <time>", "give up after this time (90s, 5m, 1h); the operation continues", timeoutSeconds] as const;
