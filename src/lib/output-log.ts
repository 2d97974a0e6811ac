import { appendFile, mkdir, readdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SerialQueue } from "./serial-queue.ts";

/** The bytes kept of the end of a log that is too long. The reason of a failure is in its last lines. */
const END_BYTES = 16 * 1024;

/** What is kept of logs. */
export interface LogLimits {
  /** Bytes of one log. The end of a longer one is kept too. */
  maxBytes: number;
  /** Logs of a folder, and their bytes in sum. The oldest are removed first. */
  maxLogs: number;
  maxSum: number;
}

/**
 * The output of a program as a file that readers can follow: `<number>.log` beside the logs of others. A log that cannot
 * be written, on a full disk for example, is reported and does not fail the program.
 */
export class OutputLog {
  readonly #file: string;
  readonly #limits: LogLimits;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #writes = new SerialQueue();
  #bytes = 0;
  /** The newest output beyond the limit. */
  #end = Buffer.alloc(0);

  constructor(file: string, limits: LogLimits, onUnexpected: (error: unknown) => void) {
    this.#file = file;
    this.#limits = limits;
    this.#onUnexpected = onUnexpected;
  }

  /** Starts an empty log, so that a program that is repeated after a crash has one log. */
  begin(): Promise<void> {
    return this.#try(async () => {
      const folder = dirname(this.#file);
      await mkdir(folder, { recursive: true, mode: 0o750 });
      await rm(this.#file, { force: true });
      const old = (await readdir(folder)).filter((name) => name !== basename(this.#file)).sort((a, b) => idOf(b) - idOf(a));
      let sum = this.#limits.maxBytes;
      for (const [index, name] of old.entries()) {
        sum += (await stat(join(folder, name))).size;
        if (index >= this.#limits.maxLogs - 1 || sum > this.#limits.maxSum) await rm(join(folder, name), { force: true });
      }
    });
  }

  write(output: string | Buffer): void {
    const bytes = Buffer.from(output);
    const room = Math.max(0, this.#limits.maxBytes - this.#bytes);
    const [kept, rest] = [bytes.subarray(0, room), bytes.subarray(room)];
    this.#bytes += bytes.length;
    if (rest.length > 0) this.#end = Buffer.concat([this.#end, rest]).subarray(-END_BYTES);
    if (kept.length > 0) this.#try(() => appendFile(this.#file, kept)).catch(this.#onUnexpected);
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    const left = this.#bytes - this.#limits.maxBytes - this.#end.length;
    const end = this.#end;
    if (end.length > 0)
      await this.#try(() =>
        appendFile(this.#file, `${left > 0 ? `\n… ${left} bytes are left out …\n` : ""}${end.toString("utf8")}`),
      );
    await this.#try(async () => {});
  }

  #try(work: () => Promise<unknown>): Promise<void> {
    return this.#writes.run(async () => {
      try {
        await work();
      } catch (error) {
        this.#onUnexpected(error);
      }
    });
  }
}

/** The number of a log: `42.log`. */
const idOf = (name: string): number => Number.parseInt(name, 10) || 0;
