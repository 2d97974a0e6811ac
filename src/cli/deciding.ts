import { closeSync, constants, openSync, readSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { waits } from "./arguments.ts";
import { EXIT, Failure, interruptedBy, UsageError } from "./exit.ts";
import { chopped } from "./wrap.ts";

/** The options of every verb that decides, besides --json. */
export interface Deciding {
  yes?: boolean;
  wait?: boolean;
  note?: string;
}

const YES = ["-y, --yes", "do not ask"] as const;

/**
 * Adds the options that all deciding verbs share. A verb that asks nothing still accepts --yes, and a verb that answers
 * after its decision was carried out still accepts --wait, so scripts need not tell them apart.
 */
export function decides(command: Command): Command {
  return waits(command.option(...YES))
    .option("-w, --wait", "wait for the end, printing each step; exit code 0 when it is deployed, 1 when it failed")
    .option("--note <text>", "why; kept with the request and in the audit trail");
}

/** Adds `--wait` to a verb that puts a change into the merge queue. */
export function merges(command: Command): Command {
  return waits(command).option(
    "-w, --wait",
    "wait for the end, printing each step; exit code 0 when it is merged, 1 when it is not",
  );
}

/** Adds `--note` to a verb that decides on a change. */
export function notes(command: Command): Command {
  return command.option("--note <text>", "why; its owner gets it, and it is kept with the change");
}

/** The subset for a verb that needs no daemon: it returns when it is done, and no record keeps its note. */
export function asksFirst(command: Command): Command {
  return command.option(...YES);
}

/** Whether the operator can be asked: at a terminal, not when the output goes to a program. */
export const mayAsk = ({ isJson }: { isJson: boolean }): boolean => !isJson && process.stdin.isTTY;

/**
 * Asks on the terminal before an action that is harder to undo than to type. Throws `declined` for a no. Without a
 * terminal the answer has to come with the command; `hint` names the options for it.
 */
export async function confirm(
  { isJson }: { isJson: boolean },
  { yes }: Pick<Deciding, "yes">,
  what: string,
  hint = "--yes",
): Promise<void> {
  if (yes === true) return;
  if (!mayAsk({ isJson })) throw new UsageError(`cannot ask "${what}?" without a terminal: use ${hint}`);
  if (!(await isYes(`${what}? [y/N] `))) throw new Failure(EXIT.refused, "declined", "nothing is changed");
}

/**
 * Prints a text on the terminal, a screenful at a time, so that no line of it scrolls away unread. Throws `declined` if
 * the reader stops before the end.
 */
export async function tellByPage(text: string, { rows, columns }: { rows: number; columns: number }): Promise<void> {
  const lines = chopped(text, columns);
  // One row for the question.
  const room = Math.max(1, rows - 1);
  for (let at = 0; at < lines.length; at += room) {
    process.stdout.write(`${lines.slice(at, at + room).join("\n")}\n`);
    const left = lines.length - at - room;
    if (left > 0 && !(await goesOn(`${left} more lines: Enter goes on, q stops `)))
      throw new Failure(EXIT.refused, "declined", "nothing is changed");
  }
}

/** Asks on the terminal which of several things to do, each named by its answer. Throws `declined` for any other answer. */
export async function choose<Choice>(question: string, answers: Readonly<Record<string, Choice>>): Promise<Choice> {
  const answer = (await answerTo(question))?.trim().toLowerCase() ?? "";
  if (!Object.hasOwn(answers, answer)) throw new Failure(EXIT.refused, "declined", "nothing is changed");
  return answers[answer] as Choice;
}

const goesOn = async (question: string): Promise<boolean> => (await answerTo(question))?.trim() === "";

async function isYes(question: string): Promise<boolean> {
  return /^y(?:es)?$/i.test((await answerTo(question))?.trim() ?? "");
}

/** Bytes that are read at once of what was typed before a question. */
const TYPED_BYTES = 4096;

/** Discards what was typed before a question appeared: an answer is to what was read. A line without its end, too. */
function discardTyped(): void {
  const { stdin } = process;
  if (!stdin.isTTY) return;
  let terminal: number;
  try {
    terminal = openSync("/dev/tty", constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    // Not our terminal any more: nothing can be typed there.
    return;
  }
  stdin.setRawMode(true);
  try {
    while (readSync(terminal, Buffer.alloc(TYPED_BYTES)) > 0);
  } catch {
    // Nothing is left to read.
  } finally {
    stdin.setRawMode(false);
    closeSync(terminal);
  }
}

/** The answer to a question on the terminal; undefined if the input ends without one. */
export async function answerTo(question: string): Promise<string | undefined> {
  discardTyped();
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      terminal.once("SIGINT", () =>
        reject(new Failure(interruptedBy("SIGINT"), "interrupted", "interrupted; nothing is changed")),
      );
      // Ctrl-D ends the input without an answer.
      terminal.once("close", () => resolve(undefined));
      terminal.question(question).then(resolve, reject);
    });
  } finally {
    terminal.close();
  }
}
