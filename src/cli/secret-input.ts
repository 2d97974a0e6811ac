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
