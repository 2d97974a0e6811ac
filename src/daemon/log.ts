import pino, { type Logger } from "pino";
import type { Config } from "./config.ts";

export type Log = Logger;

/**
 * The daemon's log. Under a service manager: JSON lines on stderr. In the foreground the terminal belongs to people,
 * so the lines go to a file in the state folder and only warnings also show. Credentials never reach it: nothing
 * that holds one is ever passed here.
 */
export function openLog(config: Config, file: string): Log {
  const options = { level: config.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!config.foreground) return pino(options, pino.destination({ fd: 2, sync: true }));
  const streams = [
    { level: config.logLevel as pino.Level, stream: pino.destination({ dest: file, sync: true, mkdir: true }) },
    { level: "warn" as const, stream: { write: showWarning } },
  ];
  return pino(options, pino.multistream(streams));
}

function showWarning(line: string): void {
  const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
  process.stderr.write(`hive-c0re: ${msg ?? ""}${err?.message ? `: ${err.message}` : ""}\n`);
}
