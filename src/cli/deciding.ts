import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { waits } from "./arguments.ts";
import { EXIT, Failure, interruptedBy, UsageError } from "./exit.ts";

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

/** The subset for a verb that needs no daemon: it returns when it is done, and no record keeps its note. */
export function asksFirst(command: Command): Command {
  return command.option(...YES);
}

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
  if (isJson || !process.stdin.isTTY) throw new UsageError(`cannot ask "${what}?" without a terminal: use ${hint}`);
  if (!(await isYes(`${what}? [y/N] `))) throw new Failure(EXIT.refused, "declined", "nothing is changed");
}

async function isYes(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await new Promise((resolve, reject) => {
      terminal.once("SIGINT", () =>
        reject(new Failure(interruptedBy("SIGINT"), "interrupted", "interrupted; nothing is changed")),
      );
      // Ctrl-D ends the input without an answer.
      terminal.once("close", () => resolve(false));
      terminal.question(question).then((answer) => resolve(/^y(?:es)?$/i.test(answer.trim())), reject);
    });
  } finally {
    terminal.close();
  }
}
