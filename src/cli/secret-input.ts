import { EXIT, Failure, interruptedBy } from "./exit.ts";
import { readMessage } from "./stdin.ts";

const [CTRL_C, CTRL_D, BACKSPACE, DELETE] = ["\u0003", "\u0004", "\b", "\u007f"];

/**
 * Reads a secret from standard input, without the line end. At a terminal it asks for one line and shows nothing of it.
 * Never take a secret from the arguments: every user of the host sees them.
 */
export async function readSecret(question: string): Promise<string> {
  const text = process.stdin.isTTY ? await typed(question) : await readMessage();
  const secret = text.replace(/\r?\n$/, "");
  if (secret === "") throw new Failure(EXIT.refused, "bad_request", "standard input is empty: nothing is changed");
  return secret;
}

function typed(question: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(question);
  stdin.setRawMode(true).setEncoding("utf8").resume();
  return new Promise((resolve, reject) => {
    let text = "";
    const end = (): void => {
      stdin.off("data", onData).setRawMode(false).pause();
      stderr.write("\n");
    };
    const onData = (keys: string): void => {
      for (const key of keys) {
        if (key === CTRL_C) {
          end();
          return reject(new Failure(interruptedBy("SIGINT"), "interrupted", "interrupted; nothing is changed"));
        }
        if (key === "\r" || key === "\n" || key === CTRL_D) {
          end();
          return resolve(text);
        }
        text = key === BACKSPACE || key === DELETE ? text.slice(0, -1) : text + key;
      }
    };
    stdin.on("data", onData);
  });
}
