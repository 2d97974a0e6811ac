import { PassThrough, Readable } from "node:stream";
import { buildProgram } from "../../src/cli/program.ts";
import { run } from "../../src/cli/run.ts";
import { hivectlName } from "../../src/lib/hivectl.ts";
import type { Said } from "./stub-host.ts";

/** Reads it again, because the compiler assumes the last written value. */
const exitCode = (): number => Number(process.exitCode);

/**
 * Runs hivectl in this process and captures its output and exit code. Takes a hundredth of the time of a separate
 * process, for tests of every verb. One at a time. Not for verbs that end the process themselves: those with --timeout.
 */
export const cliInside = (...words: string[]): Promise<Said> => cliInsideWith("", ...words);

/** The same with this text as standard input. */
export const cliInsideWith = (input: string, ...words: string[]): Promise<Said> =>
  cliOn(Readable.from([Buffer.from(input)]), () => {}, words);

/** The same at a terminal that answers questions: by how they begin. */
export function cliAtTerminal(answers: Readonly<Record<string, string>>, ...words: string[]): Promise<Said> {
  const terminal = Object.assign(new PassThrough(), { isTTY: true });
  return cliOn(
    terminal,
    (shown) => {
      for (const [question, answer] of Object.entries(answers)) if (shown.startsWith(question)) terminal.write(`${answer}\n`);
    },
    words,
  );
}

/** The verbs, built once for each name of the command: that takes ten times as long as a run. */
const programs = new Map<string, ReturnType<typeof buildProgram>>();
function programNow(): ReturnType<typeof buildProgram> {
  const name = hivectlName();
  const program = programs.get(name) ?? buildProgram();
  programs.set(name, program);
  return program;
}

/** The words of the run that has the output of this process. */
let running: string[] | undefined;

async function cliOn(input: Readable, onError: (text: string) => void, words: string[]): Promise<Said> {
  if (running)
    throw new Error(`hivectl ${running.join(" ")} still runs in this process: its output would be mixed with this one's`);
  running = words;
  const said: Said = { code: null, out: "", err: "" };
  const catching = (stream: NodeJS.WriteStream, key: "out" | "err"): (() => void) => {
    const write = (chunk: unknown): boolean => {
      said[key] += String(chunk);
      if (key === "err") onError(String(chunk));
      return true;
    };
    return replace(stream, "write", { value: write, configurable: true, writable: true });
  };
  const ends = [
    catching(process.stdout, "out"),
    catching(process.stderr, "err"),
    replace(process, "stdin", { get: () => input, configurable: true }),
  ];
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await run(words, programNow());
    return { ...said, code: exitCode() };
  } finally {
    running = undefined;
    process.exitCode = before;
    for (const end of ends) end();
  }
}

/** Gives an object another property. Returns what gives it the one that it had. */
function replace(object: object, name: string, property: PropertyDescriptor): () => void {
  const own = Object.getOwnPropertyDescriptor(object, name);
  Object.defineProperty(object, name, property);
  return () => {
    if (own) Object.defineProperty(object, name, own);
    else Reflect.deleteProperty(object, name);
  };
}
