import { appendFile, mkdir, readdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { SerialQueue } from "../lib/serial-queue.ts";

/**
 * The maximum bytes of a build's log: some ten thousand lines, more than a person reads. The end of a longer log is
 * kept too.
 */
export const MAX_BUILD_LOG_BYTES = 1024 * 1024;
/** The bytes kept of the end of a longer log. The reason of a failure is in its last lines. */
const END_BYTES = 16 * 1024;
/** The number of logs that are kept. Those of the oldest requests are removed. */
export const MAX_BUILD_LOGS = 100;

/**
 * The log of one build, as a file that readers can follow. A log that cannot be written, on a full disk for example, is
 * reported and does not fail the build.
 */
export class BuildLog {
  readonly #file: string;
  readonly #onUnexpected: (error: unknown) => void;
  readonly #writes = new SerialQueue();
  #bytes = 0;
  /** The newest output beyond the limit. */
  #end = Buffer.alloc(0);

  constructor(file: string, onUnexpected: (error: unknown) => void) {
    this.#file = file;
    this.#onUnexpected = onUnexpected;
  }

  /** Starts an empty log, so that a build that is repeated after a crash has one log. */
  begin(): Promise<void> {
    return this.#try(async () => {
      const folder = dirname(this.#file);
      await mkdir(folder, { recursive: true, mode: 0o750 });
      await rm(this.#file, { force: true });
      const old = (await readdir(folder)).filter((name) => name !== basename(this.#file)).sort((a, b) => idOf(b) - idOf(a));
      for (const name of old.slice(MAX_BUILD_LOGS - 1)) await rm(join(folder, name), { force: true });
    });
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    const room = Math.max(0, MAX_BUILD_LOG_BYTES - this.#bytes);
    const [kept, rest] = [bytes.subarray(0, room), bytes.subarray(room)];
    this.#bytes += bytes.length;
    if (rest.length > 0) this.#end = Buffer.concat([this.#end, rest]).subarray(-END_BYTES);
    if (kept.length > 0) this.#try(() => appendFile(this.#file, kept)).catch(this.#onUnexpected);
  }

  /** Resolves when everything is written. */
  async close(): Promise<void> {
    const left = this.#bytes - MAX_BUILD_LOG_BYTES - this.#end.length;
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

/** The request that a log belongs to: `42.log`. */
const idOf = (name: string): number => Number.parseInt(name, 10) || 0;
