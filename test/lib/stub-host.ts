import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveLines } from "../../src/rpc/server.ts";
import type { OperationName } from "../../src/wire/operations.ts";
import { cleanEnv } from "./hive.ts";
import { MAX_AGENT_BYTES_IN_FLIGHT } from "../../src/wire/limits.ts";

const HIVECTL = join(import.meta.dirname, "../../dist/hivectl.js");

/** The output of a run of hivectl. */
export interface Said {
  code: number | null;
  out: string;
  err: string;
}

/** The answer to a call: an output, a stream, a refusal, the end of the connection, or a function that returns one of them. */
export type StubAnswer = object | typeof CUT | ((input: Record<string, unknown>) => object | typeof CUT);
/** The connection ends instead of an answer, as when the daemon is killed. */
export const CUT = Symbol("cut");

/** The streams that a test may answer with a function. */
const STREAMS: readonly OperationName[] = ["watch", "repo_add", "repo_add_remote"];

/** A stream of the events of `watch`. With "open" it stays open, as the daemon's does. */
export async function* eventsOf(events: readonly object[], end: "open" | "closed" = "open"): AsyncGenerator<object> {
  yield {};
  for (const event of events) yield { event };
  if (end === "open") await new Promise(() => {});
}

/**
 * host.sock over the real socket server with the test's answers, for states and refusals that a real hive rarely
 * reaches. hivectl runs against it as a separate process.
 */
export class StubHost {
  readonly folder = mkdtempSync(join(tmpdir(), "cli-"));
  /** Every call, in order. */
  calls: { name: OperationName; input: Record<string, unknown> }[] = [];
  answers: Partial<Record<OperationName, StubAnswer>> = {};
  /** Errors thrown by answers that are no refusals. */
  readonly unexpected: unknown[] = [];
  #onCall: (name: OperationName) => void = () => {};
  #server: Awaited<ReturnType<typeof serveLines>> | undefined;

  get socket(): string {
    return join(this.folder, "host.sock");
  }

  async start(): Promise<this> {
    this.#server = await serveLines({
      path: this.socket,
      mode: 0o600,
      callers: ["operator"],
      ordered: true,
      maxConnections: 100,
      maxBytesInFlight: MAX_AGENT_BYTES_IN_FLIGHT,
      onUnexpected: (error) => this.unexpected.push(error),
      dispatch: (name, input, connection) => {
        const given: Record<string, unknown> = input;
        this.calls.push({ name, input: given });
        this.#onCall(name);
        const known = this.answers[name] ?? {};
        const made = typeof known === "function" && STREAMS.includes(name) ? (known as (input: object) => object)(given) : known;
        // A stream is passed on as it is, anything else as a promise.
        if (typeof made !== "symbol" && Symbol.asyncIterator in made) return made as AsyncIterable<object>;
        return new Promise((resolve, reject) => {
          const answer: unknown = typeof made === "function" ? (made as (input: object) => unknown)(given) : made;
          if (answer instanceof Error) reject(answer);
          else if (answer === CUT) connection.close();
          else resolve(answer as object);
        });
      },
    });
    return this;
  }

  /** Closes every connection, as a stopping daemon does. */
  async close(): Promise<void> {
    await this.#server?.close();
    this.#server = undefined;
  }

  async dispose(): Promise<void> {
    await this.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The input of the first call of an operation. */
  called(name: OperationName): Record<string, unknown> | undefined {
    return this.calls.find((one) => one.name === name)?.input;
  }

  hivectl(...args: string[]): Promise<Said> {
    return run(process.execPath, [HIVECTL, "--socket", this.socket, ...args]);
  }

  /** Runs hivectl and sends it a signal once it has called an operation. */
  async interrupted(signal: NodeJS.Signals, at: OperationName, ...args: string[]): Promise<Said> {
    const asked = new Promise<void>((resolve) => (this.#onCall = (name) => name === at && resolve()));
    const child = spawn(process.execPath, [HIVECTL, "--socket", this.socket, ...args], { env: cleanEnv(), stdio: "pipe" });
    const ended = saidBy(child);
    await asked;
    child.kill(signal);
    return ended;
  }

  /** The same in a pseudo-terminal. `typed` answers its question. */
  onTerminal(typed: string | readonly string[], ...args: string[]): Promise<Said> {
    return this.typedAhead("", typed, ...args);
  }

  /** The same, with text that is typed before any question appears. */
  typedAhead(early: string, typed: string | readonly string[], ...args: string[]): Promise<Said> {
    const command = [process.execPath, HIVECTL, "--socket", this.socket, ...args].join(" ");
    return run("script", ["-qec", command, "/dev/null"], typed, early);
  }
}

/** Ends of the questions that hivectl asks. */
const QUESTION = /\[y\/N\]|q stops/g;

/** Runs a program to its end. Each text of `typed` answers one question; without it the input is empty. */
function run(command: string, args: string[], typed?: string | readonly string[], early = ""): Promise<Said> {
  const child = spawn(command, args, { env: cleanEnv({ COLUMNS: "100" }), stdio: "pipe" });
  child.stdin.write(early);
  if (typed === undefined) child.stdin.end();
  const answers = typed === undefined ? [] : [typed].flat();
  let answered = 0;
  return saidBy(child, (out) => {
    const asked = out.match(QUESTION)?.length ?? 0;
    while (answered < Math.min(asked, answers.length)) {
      child.stdin.write(answers[answered++] ?? "");
      if (answered === answers.length) child.stdin.end();
    }
  });
}

function saidBy(child: ChildProcessWithoutNullStreams, onOutput: (out: string) => void = () => {}): Promise<Said> {
  return new Promise((resolve) => {
    const said: Said = { code: null, out: "", err: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      said.out += chunk.toString();
      onOutput(said.out);
    });
    child.stderr.on("data", (chunk: Buffer) => (said.err += chunk.toString()));
    child.on("close", (code) => resolve({ ...said, code }));
  });
}
