import { existsSync, renameSync, statSync } from "node:fs";
import pino, { type Logger } from "pino";
import { readable } from "../wire/unseen.ts";
import type { Config } from "./config.ts";

export type Log = Logger;

/**
 * The size limit of the daemon's log file and of the previous one. Holds weeks of normal logs, and bounds what agents
 * cause.
 */
const LOG_FILE_BYTES = 16 * 1024 * 1024;
/** The mode of a new log file: a line can name what an agent does. */
const PRIVATE = 0o600;
/** Bytes of lines that are buffered while the disk is full. Further lines are lost. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/**
 * The daemon's log. Under a service manager it writes JSON lines to stderr. In the foreground the terminal is for
 * people, so the lines go to a file in the state folder, and only warnings also go to the terminal. Code never passes a
 * value with a credential to the log. A line that cannot be written, because the disk is full or the pipe is closed, is
 * dropped: it does not end the daemon.
 */
export function openLog(config: Config, file: string): Log {
  const options = { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!config.foreground) return pino(options, destination({ fd: 2 }));
  const streams = [
    { level: config.logLevel as pino.Level, stream: boundedFile(file) },
    { level: "warn" as const, stream: { write: showWarning } },
  ];
  return pino(options, pino.multistream(streams));
}

/** A log file that is renamed to `<file>.1` when it is full. */
export function boundedFile(file: string, mostBytes = LOG_FILE_BYTES): { write(line: string): void } {
  const stream = destination({ dest: file, mkdir: true });
  let bytes = sizeOf(file);
  return {
    write(line) {
      bytes += Buffer.byteLength(line);
      if (bytes > mostBytes) {
        try {
          renameSync(file, `${file}.1`);
          stream.reopen();
        } catch {
          // It cannot be renamed now. The next line tries again.
        }
        bytes = sizeOf(file) + Buffer.byteLength(line);
      }
      stream.write(line);
    },
  };
}

function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function destination(where: { fd: number } | { dest: string; mkdir: true }): ReturnType<typeof pino.destination> {
  const stream = pino.destination({ ...where, sync: true, maxLength: MAX_BUFFERED_BYTES, mode: PRIVATE });
  stream.on("error", () => {}); // There is no other place to report it.
  return stream;
}

function showWarning(line: string): void {
  const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
  // A message may quote git, and git an agent.
  process.stderr.write(`${readable(`hive-c0re: ${msg ?? ""}${err?.message ? `: ${err.message}` : ""}`)}\n`);
}
