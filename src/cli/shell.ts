import { userInfo } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { asRun, findHivectlIn, hivectl } from "../lib/hivectl.ts";
import type { Contract, LineClient } from "../rpc/line-client.ts";
import { writtenOut } from "../wire/unseen.ts";
import { EXIT, Failure, failureOf, isRefusal } from "./exit.ts";
import { WaitLimit } from "./wait-limit.ts";
import { everyRepo } from "./older.ts";
import { clean, painter, type Paint } from "./print.ts";
import { findSocket } from "./socket.ts";
import { closest } from "../wire/suggest.ts";

/** Options of every verb. */
export interface CommonOptions {
  json?: boolean;
  socket?: string;
  /** Seconds until the verb stops waiting, for a verb with --timeout. */
  timeout?: number;
}

/** Output of a verb. */
export interface Printer {
  isJson: boolean;
  paint: Paint;
  /** Columns of the terminal. Infinite if the output is not a terminal, so that nothing is cut for a program. */
  width: number;
  now: number;
  /** Prints an output of the contract, as one JSON line or as text. */
  show<T extends object>(output: T, forPeople: (output: T) => string): void;
  /** Prints a line of text; nothing with --json. */
  say(words: string): void;
}

/** What a verb works with: the daemon and an output. */
export interface Shell extends Printer {
  client: LineClient;
  /** Where the daemon listens, for verbs that need a second connection. */
  socketPath: string;
  /** Sets what to print if the verb is given up from now on, by Ctrl-C or --timeout: what continues, and how to follow it. */
  waitsFor(advice: string): void;
}

/** The environment is read only in this file. */
export const environment: NodeJS.ProcessEnv = process.env;
findHivectlIn(environment["PATH"] ?? "", { cwd: process.cwd(), program: process.argv[1] ?? "" });

/** The implementation of a verb. Method parameters may be narrower, so that each verb can name the types of its arguments. */
interface Verb<Options> {
  run(shell: Shell, args: unknown[], options: Options): Promise<void>;
}

/**
 * Attaches an implementation to a verb. It gets the shell, the arguments in the order of the usage, and the options.
 * Import heavy modules inside it, so that the other verbs start without them. `contract` loads the part of the contract
 * that the verb uses, for a verb that should not wait for all of it. `lost` says what to do besides if no daemon answers.
 */
export function act<Options extends object = object>(
  command: Command,
  run: Verb<Options>["run"],
  contract?: LoadContract,
  lost?: (args: unknown[]) => string,
): Command {
  return command.action((...given: unknown[]) => {
    const self = given.pop() as Command;
    const options = self.optsWithGlobals<Options & CommonOptions>();
    given.pop();
    return withShell(
      options,
      (shell) => run(shell, given, options),
      contract,
      () => lost?.(given),
    );
  });
}

/** Connects and runs a verb. Turns its failure into a text, JSON and an exit code. */
export async function withShell(
  options: CommonOptions,
  verb: (shell: Shell) => Promise<void>,
  contract?: LoadContract,
  lost: () => string | undefined = () => undefined,
): Promise<void> {
  const isJson = options.json === true;
  const path = findSocket(process.env, options.socket);
  const limit = new WaitLimit(options.timeout);
  let client: LineClient | undefined;
  try {
    client = await limit.race(connect(path, contract));
    const waitsFor = (advice: string): void => limit.waitsFor(advice);
    await limit.race(verb({ ...printer(isJson), client, socketPath: path, waitsFor }));
  } catch (error) {
    if (client === undefined && !limit.isOver) addAdvice(error, lost());
    fail(limit.isOver ? error : await withSuggestion(error, client), isJson);
  } finally {
    limit.end();
    client?.close();
  }
  // A verb that was given up may still hold connections open.
  if (limit.isOver) process.stdout.write("", () => process.exit());
}

/** Runs a verb that needs no daemon. Turns its failure into a text and an exit code. */
export async function alone(options: CommonOptions, verb: (printer: Printer) => Promise<void>): Promise<void> {
  const isJson = options.json === true;
  await verb(printer(isJson)).catch((error: unknown) => fail(error, isJson));
}

function printer(isJson: boolean): Printer {
  const isTerminal = process.stdout.isTTY;
  return {
    isJson,
    paint: painter(isTerminal && !process.env["NO_COLOR"] && !isJson),
    // A terminal of unknown size reports 0.
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

/** JSON that cannot steer the terminal that prints it. It escapes such characters, which does not change the value. */
export function jsonLine(value: unknown): string {
  return writtenOut(JSON.stringify(value), escaped);
}

/** A character as a JSON escape of one or two UTF-16 units. */
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
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    throw notConnected(path, code);
  }
}

/** Adds to a failed connection what to do besides. */
function addAdvice(error: unknown, advice: string | undefined): void {
  if (error instanceof Failure && advice !== undefined) error.message += `; ${advice}`;
}

/** Why no daemon answers, from the code of the system's error. */
export function notConnected(path: string, code: string | undefined): Failure {
  if (code === "EACCES" || code === "EPERM")
    return new Failure(
      EXIT.refused,
      "forbidden",
      `you may not open ${path}, which is another user's: the admin of that hive gives you a socket of your own with ${hivectl(`operator add ${userInfo().username} --role viewer`)}; if that is done under another name, say so with --socket ${join(dirname(path), "operators", "<name>.sock")}`,
    );
  return new Failure(
    EXIT.noDaemon,
    "unavailable",
    `no hive answers on ${path}: start one with \`npm start\`, or say where it is with --socket or HIVE_STATE_DIR`,
  );
}

/** Adds a suggestion to an error about an unknown agent or repository. */
async function withSuggestion(error: unknown, client: LineClient | undefined): Promise<unknown> {
  if (!client || !isRefusal(error) || error.code !== "not_found") return error;
  const agent = /(?:agent|recipient) "([^"]*)"/.exec(error.message)?.[1];
  const repo = /^there is no repository ([^\s:]+)/.exec(error.message)?.[1];
  const meant =
    agent !== undefined ? await meantAgent(agent, client) : repo === undefined ? undefined : await meantRepo(repo, client);
  if (meant !== undefined) error.message += `; did you mean ${meant}?`;
  return error;
}

async function meantRepo(name: string, client: LineClient): Promise<string | undefined> {
  // Without a list the error has no suggestion.
  const repos = await everyRepo(client).catch(() => []);
  return closest(
    name,
    repos.map((one) => one.name),
  );
}

/** The agent whose name is nearest to an unknown one. */
export async function meantAgent(name: string, client: LineClient): Promise<string | undefined> {
  // A verb with a partial contract asks only about numbers, not names.
  const { agents } = await client.call("list", {}).catch(() => ({ agents: [] }));
  return closest(name, agents);
}

/** The text for an empty list. Records of an agent outlive it, so an unknown name is no error, but may be a typo. */
export async function nothingAbout({ client }: Shell, words: string, agent: string | undefined): Promise<string> {
  if (agent === undefined) return words;
  const { agents } = await client.call("list", {});
  const meant = agents.includes(agent) ? undefined : closest(agent, agents);
  return `${words} about ${agent}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

/** Reports a verb's failure: a text on standard error, and with --json one document on standard output. */
function fail(error: unknown, isJson: boolean): void {
  const failure = failureOf(error);
  // The daemon may have another PATH.
  failure.message = asRun(failure.message);
  if (isJson) printFailure(failure);
  process.stderr.write(`hivectl: ${clean(failure.message)}\n`);
  process.exitCode = failure.exit;
}

/** Prints a failure as the verb's one JSON document, or as the last line of a stream. */
export function printFailure({ message, code, facts }: Failure): void {
  process.stdout.write(`${jsonLine({ ok: false, error: message, code, ...facts })}\n`);
}
