import type { Command } from "commander";
import type { Contract, LineClient } from "../rpc/line-client.ts";
import { writtenOut } from "../wire/unseen.ts";
import { EXIT, Failure, failureOf, isRefusal } from "./exit.ts";
import { Patience } from "./patience.ts";
import { clean, painter, type Paint } from "./print.ts";
import { findSocket } from "./socket.ts";
import { closest } from "../wire/suggest.ts";

/** Options that every verb has. */
export interface CommonOptions {
  json?: boolean;
  socket?: string;
  /** Seconds after which the verb is given up, where it has --timeout. */
  timeout?: number;
}

/** Somewhere to print. */
export interface Printer {
  isJson: boolean;
  paint: Paint;
  /** Columns of the terminal; infinite where the output is not one, so that nothing is cut for a program. */
  width: number;
  now: number;
  /** Prints an output of the contract: as one JSON line, or as people read it. */
  show<T extends object>(output: T, forPeople: (output: T) => string): void;
  /** A line for people only. */
  say(words: string): void;
}

/** What a verb works with: the daemon, and somewhere to print. */
export interface Shell extends Printer {
  client: LineClient;
  /** Where the daemon listens: for verbs that need a second connection. */
  socketPath: string;
  /** Says what goes on when the verb is given up from here on, by Ctrl-C or --timeout, and how to see it. */
  waitsFor(advice: string): void;
}

/** The environment is read in this file only. */
export const environment: NodeJS.ProcessEnv = process.env;

/** What a verb does. A method's parameters may be narrower, so that each names its own arguments' types. */
interface Verb<Options> {
  run(shell: Shell, args: unknown[], options: Options): Promise<void>;
}

/**
 * Declares what a verb does. It is given the shell, the arguments as they stand in its usage, and its options.
 * Heavy things are imported inside, so that every other verb starts without them. `contract` loads the part of the
 * contract that the verb speaks, where it shall not wait for the whole of it.
 */
export function act<Options extends object = object>(
  command: Command,
  run: Verb<Options>["run"],
  contract?: LoadContract,
): Command {
  return command.action((...given: unknown[]) => {
    const self = given.pop() as Command;
    const options = self.optsWithGlobals<Options & CommonOptions>();
    given.pop();
    return withShell(options, (shell) => run(shell, given, options), contract);
  });
}

/** Connects, runs a verb, and turns its failure into words, JSON and an exit code. */
export async function withShell(
  options: CommonOptions,
  verb: (shell: Shell) => Promise<void>,
  contract?: LoadContract,
): Promise<void> {
  const isJson = options.json === true;
  const path = findSocket(process.env, options.socket);
  const patience = new Patience(options.timeout);
  let client: LineClient | undefined;
  try {
    client = await patience.race(connect(path, contract));
    const waitsFor = (advice: string): void => patience.waitsFor(advice);
    await patience.race(verb({ ...printer(isJson), client, socketPath: path, waitsFor }));
  } catch (error) {
    fail(patience.isOver ? error : await withSuggestion(error, client), isJson);
  } finally {
    patience.end();
    client?.close();
  }
  // What was given up may hold connections of its own open.
  if (patience.isOver) process.stdout.write("", () => process.exit());
}

/** Runs a verb that needs no daemon, and turns its failure into words and an exit code. */
export async function alone(options: CommonOptions, verb: (printer: Printer) => Promise<void>): Promise<void> {
  const isJson = options.json === true;
  await verb(printer(isJson)).catch((error: unknown) => fail(error, isJson));
}

function printer(isJson: boolean): Printer {
  const isTerminal = process.stdout.isTTY;
  return {
    isJson,
    paint: painter(isTerminal && !process.env["NO_COLOR"] && !isJson),
    // A terminal that does not know its size says 0.
    width: (isTerminal ? process.stdout.columns : Number(process.env["COLUMNS"])) || Infinity,
    now: Date.now(),
    show(output, forPeople) {
      const text = isJson ? jsonLine(output) : forPeople(output);
      if (text !== "") process.stdout.write(`${text}\n`);
    },
    say(words) {
      if (!isJson) process.stdout.write(`${words}\n`);
    },
  };
}

/** JSON in which nothing can steer the terminal that it is printed on: such characters are escaped, which is the same JSON. */
export function jsonLine(value: unknown): string {
  return writtenOut(JSON.stringify(value), escaped);
}

/** A character as JSON escapes it, in one or two units of UTF-16. */
function escaped(_sign: string, character: string): string {
  let text = "";
  for (let at = 0; at < character.length; at++) text += `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return text;
}

/** Loads a part of the contract. */
export type LoadContract = () => Promise<Contract>;
const wholeContract: LoadContract = async () => (await import("../wire/operations.ts")).operations;

async function connect(path: string, loadContract = wholeContract): Promise<LineClient> {
  const [{ connectHost }, contract] = await Promise.all([import("./connect.ts"), loadContract()]);
  try {
    return await connectHost(contract, path);
  } catch (error) {
    if (isRefusal(error) && error.code === "bad_request") throw error;
    throw new Failure(
      EXIT.noDaemon,
      "unavailable",
      `no hive answers on ${path}: start one with \`npm start\`, or say where it is with --socket or HIVE_STATE_DIR`,
    );
  }
}

/** An unknown agent's name is often a mistyped one. */
async function withSuggestion(error: unknown, client: LineClient | undefined): Promise<unknown> {
  if (!client || !isRefusal(error) || error.code !== "not_found") return error;
  const name = /(?:agent|recipient) "([^"]*)"/.exec(error.message)?.[1];
  if (name === undefined) return error;
  const meant = await meantAgent(name, client);
  if (meant !== undefined) error.message += `; did you mean ${meant}?`;
  return error;
}

/** The agent whose name is nearest to an unknown one. */
export async function meantAgent(name: string, client: LineClient): Promise<string | undefined> {
  // A verb that speaks a part of the contract only asks about numbers, not names.
  const { agents } = await client.call("list", {}).catch(() => ({ agents: [] }));
  return closest(name, agents);
}

/** Words for an empty list. What an agent did outlives it, so a name that nobody has is no mistake; it may be mistyped. */
export async function nothingAbout({ client }: Shell, words: string, agent: string | undefined): Promise<string> {
  if (agent === undefined) return words;
  const { agents } = await client.call("list", {});
  const meant = agents.includes(agent) ? undefined : closest(agent, agents);
  return `${words} about ${agent}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** The one place where a verb's failure is told: words on standard error, with --json one document on standard output. */
function fail(error: unknown, isJson: boolean): void {
  const failure = failureOf(error);
  if (isJson) printFailure(failure);
  process.stderr.write(`hivectl: ${clean(failure.message)}\n`);
  process.exitCode = failure.exit;
}

/** A failure as the one JSON document of its verb, or as the last line of a stream. */
export function printFailure({ message, code, facts }: Failure): void {
  process.stdout.write(`${jsonLine({ ok: false, error: message, code, ...facts })}\n`);
}
