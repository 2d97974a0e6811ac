import type { Command } from "commander";
import type { Contract, LineClient } from "../rpc/line-client.ts";
import type { HiveError } from "../wire/error.ts";
import { painter, type Paint } from "./print.ts";
import { findSocket } from "./socket.ts";
import { closest } from "./suggest.ts";

/** What `hivectl` ends with. */
export const EXIT = { ok: 0, refused: 1, usage: 2, noDaemon: 3, partial: 4 } as const;

/** What each exit code means: the help, the man page and docs/hivectl.md say the same. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [EXIT.ok, "it was done"],
  [EXIT.refused, "the hive refused, or what was followed or checked did not end well; standard error says why"],
  [EXIT.usage, "the command line was not understood"],
  [EXIT.noDaemon, "no daemon answers"],
  [EXIT.partial, "some of several agents failed; the output says which and why"],
];

/** Options that every verb has. */
export interface CommonOptions {
  json?: boolean;
  socket?: string;
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
  /** Makes the exit code say that some of it went wrong. */
  partial(): void;
  /** Makes the exit code say that it was done but did not end well. */
  failed(): void;
}

/** What a verb works with: the daemon, and somewhere to print. */
export interface Shell extends Printer {
  client: LineClient;
  /** Where the daemon listens: for verbs that need a second connection. */
  socketPath: string;
}

/** The environment is read in this file only. */
export const environment: NodeJS.ProcessEnv = process.env;

/** Words that are not understood; ends with `EXIT.usage`. */
export class UsageError extends Error {}

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

/** Connects, runs a verb, and turns its failure into words and an exit code. */
export async function withShell(
  options: CommonOptions,
  verb: (shell: Shell) => Promise<void>,
  contract?: LoadContract,
): Promise<void> {
  const isJson = options.json === true;
  const path = findSocket(process.env, options.socket);
  let client: LineClient | undefined;
  try {
    client = await connect(path, contract);
    await verb({ ...printer(isJson), client, socketPath: path });
  } catch (error) {
    fail(await withSuggestion(error, client), isJson);
  } finally {
    client?.close();
  }
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
    partial() {
      process.exitCode = EXIT.partial;
    },
    failed() {
      process.exitCode = EXIT.refused;
    },
  };
}

/** JSON in which nothing can steer the terminal that it is printed on: such characters are escaped, which is the same JSON. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007F-\u009F\u061C\u200B-\u200F\u2028-\u202E\u2060-\u206F\uFEFF]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

class NoDaemon extends Error {}

/** Told by its name: the class comes with the contract, which is not loaded before it is needed. */
const isRefusal = (error: unknown): error is HiveError => error instanceof Error && error.name === "HiveError";

/** Loads a part of the contract. */
export type LoadContract = () => Promise<Contract>;
const wholeContract: LoadContract = async () => (await import("../wire/operations.ts")).operations;

async function connect(path: string, loadContract = wholeContract): Promise<LineClient> {
  const [{ connectHost }, contract] = await Promise.all([import("./connect.ts"), loadContract()]);
  try {
    return await connectHost(contract, path);
  } catch (error) {
    if (isRefusal(error) && error.code === "bad_request") throw error;
    throw new NoDaemon(
      `no hive answers on ${path}: start one with \`npm start\`, or say where it is with --socket or HIVE_STATE_DIR`,
      { cause: error },
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

/** What went wrong. An answer that does not fit the contract comes from a daemon of another version. */
export function wordsOf(error: unknown): string {
  const issues = (error as { issues?: { path: PropertyKey[] }[] } | undefined)?.issues;
  if (error instanceof Error && Array.isArray(issues)) {
    const where = issues[0]?.path.map(String).join(".") ?? "";
    return `the daemon's answer is not understood (${where}): it runs another version than this hivectl; start it anew`;
  }
  return error instanceof Error ? error.message : String(error);
}

/** Words for an empty list. What an agent did outlives it, so a name that nobody has is no mistake; it may be mistyped. */
export async function nothingAbout({ client }: Shell, words: string, agent: string | undefined): Promise<string> {
  if (agent === undefined) return words;
  const { agents } = await client.call("list", {});
  const meant = agents.includes(agent) ? undefined : closest(agent, agents);
  return `${words} about ${agent}${meant === undefined ? "" : `; did you mean ${meant}?`}`;
}

function fail(error: unknown, isJson: boolean): void {
  const words = wordsOf(error);
  const [code, exit] =
    error instanceof UsageError
      ? (["bad_request", EXIT.usage] as const)
      : error instanceof NoDaemon
        ? (["unavailable", EXIT.noDaemon] as const)
        : ([isRefusal(error) ? error.code : "internal", EXIT.refused] as const);
  if (isJson) process.stdout.write(`${jsonLine({ ok: false, error: words, code })}\n`);
  process.stderr.write(`hivectl: ${words}\n`);
  process.exitCode = exit;
}
