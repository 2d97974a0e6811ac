import { band, FLUSH, linesToFlush, pkt } from "./pkt-line.ts";
import type { PushHead } from "./push-request.ts";

/** Characters of a reason: some lines of a terminal. */
const MAX_REASON_CHARS = 600;

/** How a push ended: for all of it, and for each of its refs. Undefined: well. */
export interface PushReport {
  unpack?: string | undefined;
  refs: ReadonlyMap<string, string | undefined>;
  /** Lines for the terminal. */
  notes?: readonly string[];
}

/** The answer to a push in the form that the client asked for. */
export function writeReport({ capabilities }: Pick<PushHead, "capabilities">, report: PushReport): Buffer {
  const lines = [pkt(`unpack ${oneLine(report.unpack ?? "ok")}\n`)];
  for (const [ref, why] of report.refs) lines.push(pkt(why === undefined ? `ok ${ref}\n` : `ng ${ref} ${oneLine(why)}\n`));
  const isWanted = capabilities.has("report-status") || capabilities.has("report-status-v2");
  const status = isWanted ? Buffer.concat([...lines, FLUSH]) : Buffer.alloc(0);
  if (!capabilities.has("side-band-64k")) return status;
  const notes = (report.notes ?? []).map((note) => band(2, `${oneLine(note)}\n`));
  return Buffer.concat([...notes, band(1, status), FLUSH]);
}

/** Reads the plain report of `git receive-pack`. Undefined if it is not one. */
export function readReport(bytes: Buffer): PushReport | undefined {
  const texts = linesToFlush(bytes)?.lines.map((line) => line.toString("utf8").trimEnd());
  const unpack = texts?.shift()?.match(/^unpack (.*)$/)?.[1];
  if (!texts || unpack === undefined) return undefined;
  const refs = new Map<string, string | undefined>();
  for (const text of texts) {
    const [, word, ref = "", why] = /^(ok|ng) (\S+)(?: (.*))?$/.exec(text) ?? [];
    if (word === undefined) return undefined;
    refs.set(ref, word === "ok" ? undefined : (why ?? "refused"));
  }
  return { unpack: unpack === "ok" ? undefined : unpack, refs };
}

/** A text of git or of the hive as one short line of printable characters. */
export function oneLine(text: string): string {
  const line = text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]+/gu, " ").trim();
  return line.length > MAX_REASON_CHARS ? `${line.slice(0, MAX_REASON_CHARS)}…` : line;
}
