import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { waits } from "./arguments.ts";
import { EXIT, Failure, interruptedBy, UsageError } from "./exit.ts";

/** What every verb that decides is told, beside --json. */
export interface Deciding {
  yes?: boolean;
  wait?: boolean;
  note?: string;
}

const YES = ["-y, --yes", "do not ask"] as const;

/**
 * Gives a verb that decides its options: the one set that all of them have. A verb that asks nothing takes --yes, and one
 * whose decision is carried out when it answers takes --wait, so that scripts need not know which is which.
 */
export function decides(command: Command): Command {
  return waits(command.option(...YES))
    .option("-w, --wait", "wait for the end, telling each step; exit code 0 when it is deployed, 1 when it failed")
    .option("--note <text>", "why; kept with the request and in the audit trail");
}

/** The part of the set for a verb that needs no daemon: it ends when it is done, and nobody keeps its note. */
export function asksFirst(command: Command): Command {
  return command.option(...YES);
}

/**
 * Asks on the terminal before something that cannot be taken back as easily as it is typed. Throws `declined` for a no.
 * Where nobody can be asked, the answer has to come with the command: `hint` names the options for it.
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
