import { z } from "zod";
import { ErrorCode, HiveError } from "../wire/error.ts";
import { FileEntry, FileKind } from "../wire/files.ts";
import { instant } from "../wire/instant.ts";
import type { Output } from "../wire/operations.ts";

/** Bytes of the line before a file's content: fifty paths of the largest size. */
export const MAX_HEAD_BYTES = 512 * 1024;

const Refused = z.object({ refused: z.object({ code: ErrorCode, message: z.string() }) });
const Size = z.number().int().nonnegative();

/** The answers of the reader. It is the hive's program, and what it says is an agent's. */
export const ListAnswer = z.object({
  entries: z.array(FileEntry.omit({ modified_at: true }).extend({ modified_ms: z.number() })),
  more: Size,
  uncounted: z.boolean().optional(),
});
export const ReadAnswer = z.object({ bytes: Size, is_read: z.boolean() });
export const DownloadHead = z.object({
  what: z.enum(["file", "folder"]),
  bytes: Size.optional(),
  left_out: z.array(z.object({ path: z.string(), kind: FileKind })),
  left: Size,
});
export type DownloadHead = z.infer<typeof DownloadHead>;

/** The value of an answer's line. Throws the reader's refusal. */
export function parseAnswer(line: string): unknown {
  const value = JSON.parse(line) as unknown;
  const { success, data } = Refused.safeParse(value);
  if (success) throw new HiveError(data.refused.code, data.refused.message);
  return value;
}

/** Splits an answer into its line and the bytes after it. */
export function headLine(answer: Buffer): { line: string; rest: Buffer } {
  const at = answer.indexOf(10);
  return { line: answer.toString("utf8", 0, at), rest: answer.subarray(at + 1) };
}

/** The last moment that an instant can name. A file says what its agent likes. Milliseconds. */
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** A listing as operators get it. */
export function listing({ entries, ...rest }: z.infer<typeof ListAnswer>): Output<"file_list"> {
  return {
    entries: entries.map(({ modified_ms: ms, ...entry }) => ({
      ...entry,
      modified_at: instant(Math.min(Math.max(0, ms), LAST_MS)),
    })),
    ...rest,
  };
}

/** Characters of a reason that are shown. */
const MAX_WHY_CHARS = 400;

/** The reader has failed, for a reason that is no refusal. */
export function unreadable(agent: string, why: string): HiveError {
  const words = why.trim().slice(0, MAX_WHY_CHARS) || "their reader ended";
  return new HiveError("unavailable", `the files of ${agent} cannot be read: ${words}. Try again`);
}
