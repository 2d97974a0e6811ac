import { connectLines, type LineClient } from "../rpc/client.ts";
import { HiveError } from "../wire/error.ts";
import { painter, type Paint } from "./print.ts";
import { findSocket } from "./socket.ts";

/** What `hivectl` ends with. Documented in docs/hivectl.md. */
export const EXIT = { ok: 0, refused: 1, usage: 2, noDaemon: 3, partial: 4 } as const;

/** Options that every verb has. */
export interface CommonOptions {
  json?: boolean;
  socket?: string;
}

/** What a verb works with: the daemon, and somewhere to print. */
export interface Shell {
  client: LineClient;
  isJson: boolean;
  paint: Paint;
  width: number;
  now: number;
  /** Prints an output of the contract: as one JSON line, or as people read it. */
  show<T extends object>(output: T, forPeople: (output: T) => string): void;
  /** A line for people only. */
  say(words: string): void;
  /** Makes the exit code say that some of it went wrong. */
  partial(): void;
}

const FALLBACK_WIDTH = 100;

/** Connects, runs a verb, and turns its failure into words and an exit code. */
export async function withShell(options: CommonOptions, verb: (shell: Shell) => Promise<void>): Promise<void> {
  const isJson = options.json === true;
  const path = findSocket(process.env, options.socket);
  let client: LineClient | undefined;
  try {
    client = await connect(path);
    const isColoured = process.stdout.isTTY && !process.env["NO_COLOR"];
    await verb({
      client,
      isJson,
      paint: painter(isColoured && !isJson),
      width: process.stdout.columns ?? FALLBACK_WIDTH,
      now: Date.now(),
      show(output, forPeople) {
        const text = isJson ? JSON.stringify(output) : forPeople(output);
        if (text !== "") process.stdout.write(`${text}\n`);
      },
      say(words) {
        if (!isJson) process.stdout.write(`${words}\n`);
      },
      partial() {
        process.exitCode = EXIT.partial;
      },
    });
  } catch (error) {
    fail(error, isJson);
  } finally {
    client?.close();
  }
}

class NoDaemon extends Error {}

async function connect(path: string): Promise<LineClient> {
  try {
    return await connectLines(path, { ordered: true });
  } catch (error) {
    if (error instanceof HiveError && error.code === "bad_request") throw error;
    throw new NoDaemon(
      `no hive answers on ${path}: start one with \`npm start\`, or say where it is with --socket or HIVE_STATE_DIR`,
      { cause: error },
    );
  }
}

function fail(error: unknown, isJson: boolean): void {
  const words = error instanceof Error ? error.message : String(error);
  const code = error instanceof HiveError ? error.code : error instanceof NoDaemon ? "unavailable" : "internal";
  if (isJson) process.stdout.write(`${JSON.stringify({ ok: false, error: words, code })}\n`);
  process.stderr.write(`hivectl: ${words}\n`);
  process.exitCode = error instanceof NoDaemon ? EXIT.noDaemon : EXIT.refused;
}
