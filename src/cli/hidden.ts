import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { interruptedBy, Failure } from "./exit.ts";

/** Asks on the terminal for a text that is not shown. Undefined if the input ends without one. */
export async function hiddenAnswerTo(question: string): Promise<string | undefined> {
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
