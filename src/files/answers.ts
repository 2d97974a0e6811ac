import { z } from "zod";
import { ErrorCode, HiveError } from "../wire/error.ts";
import { FileKind, type FileEntry } from "../wire/files.ts";
import { instant } from "../wire/instant.ts";
import type { Output } from "../wire/operations.ts";

/** Bytes of the line before a file's content: fifty paths of the largest size. */
export const MAX_HEAD_BYTES = 512 * 1024;

const Refused = z.object({ refused: z.object({ code: ErrorCode, message: z.string() }) });
const Size = z.number().int().nonnegative();

const KINDS: ReadonlySet<unknown> = new Set(FileKind.options);

/** A list that is checked in one loop: a schema that is asked for each of ten thousand values takes longer than to parse them. */
const columnOf = <T>(isOne: (value: unknown) => boolean) =>
  z.custom<T[]>((value) => Array.isArray(value) && (value as unknown[]).every(isOne));
const isSize = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** The answers of the reader. It is the hive's program, and what it says is an agent's. */
export const ListAnswer = z
  .object({
    name: columnOf<string>((value) => typeof value === "string"),
    kind: columnOf<FileKind>((value) => KINDS.has(value)),
    bytes: columnOf<number>(isSize),
    on_disk: columnOf<number>(isSize),
    modified_ms: columnOf<number>((value) => typeof value === "number"),
    not_utf8: columnOf<number>(isSize),
    executable: columnOf<number>(isSize),
    target: z.array(z.tuple([Size, z.string()])),
    more: Size,
    uncounted: z.boolean().optional(),
  })
  .refine(({ name, ...rest }) => COLUMNS.every((column) => rest[column].length === name.length), "a column is shorter");
const COLUMNS = ["kind", "bytes", "on_disk", "modified_ms"] as const;
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
export function listing({ more, uncounted, ...columns }: z.infer<typeof ListAnswer>): Output<"file_list"> {
  const entries = columns.name.map((name, at): FileEntry => ({
    name,
    kind: columns.kind[at] ?? "unknown",
    bytes: columns.bytes[at] ?? 0,
    on_disk: columns.on_disk[at] ?? 0,
    modified_at: instant(Math.min(Math.max(0, columns.modified_ms[at] ?? 0), LAST_MS)),
  }));
  for (const at of columns.not_utf8) if (entries[at]) entries[at].not_utf8 = true;
  for (const at of columns.executable) if (entries[at]) entries[at].executable = true;
  for (const [at, target] of columns.target) if (entries[at]) entries[at].target = target;
  return { entries, more, ...(uncounted === undefined ? {} : { uncounted }) };
}

/** Characters of a reason that are shown. */
const MAX_WHY_CHARS = 400;

/** The reader has failed, for a reason that is no refusal. */
export function unreadable(agent: string, why: string): HiveError {
  const words = why.trim().slice(0, MAX_WHY_CHARS) || "their reader ended";
  return new HiveError("unavailable", `the files of ${agent} cannot be read: ${words}. Try again`);
}
