import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { EXIT, Failure, interruptedBy } from "./exit.ts";
import { readMessage } from "./stdin.ts";

/**
 * Reads a secret from standard input, without the line end. At a terminal it asks for one line and shows nothing of it.
 * Never take a secret from the arguments: every user of the host sees them. Throws if there is none.
 */
export async function readSecret(question: string): Promise<string> {
  const text = process.stdin.isTTY ? await hiddenAnswerTo(question) : await readMessage();
  const secret = text?.replace(/\r?\n$/, "") ?? "";
  if (secret === "") throw new Failure(EXIT.refused, "bad_request", "standard input is empty: nothing is changed");
  return secret;
}

/**
 * Reads several secrets, one a line; at a terminal it asks for each. Throws if there are fewer or more lines. Reads nothing
 * if there is no question.
 */
export async function readSecrets(questions: readonly string[]): Promise<string[]> {
  const [first] = questions;
  if (first === undefined) return [];
  if (questions.length === 1) return [await readSecret(first)];
  if (!process.stdin.isTTY) {
    const lines = (await readMessage()).replace(/\r?\n$/, "").split(/\r?\n/);
    if (lines.length === questions.length && lines.every((line) => line !== "")) return lines;
    const wanted = `${questions.length} lines, one for each of --token-stdin and --forge-token-stdin`;
    throw new Failure(EXIT.refused, "bad_request", `standard input has to be ${wanted}: nothing is changed`);
  }
  const answers: string[] = [];
  for (const question of questions) answers.push(await readSecret(question));
  return answers;
}

/** Asks on the terminal for a text that is not shown. Undefined if the input ends without one. */
async function hiddenAnswerTo(question: string): Promise<string | undefined> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  // With a terminal as its output, the reader takes the keys raw, so that the terminal shows none.
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  try {
    return await new Promise((resolve, reject) => {
      terminal.once("SIGINT", () =>
        reject(new Failure(interruptedBy("SIGINT"), "interrupted", "interrupted; nothing is changed")),
      );
      terminal.once("close", () => resolve(undefined));
      terminal.question("").then(resolve, reject);
    });
  } finally {
    terminal.close();
    process.stderr.write("\n");
  }
}
