import { isUtf8 } from "node:buffer";
import { closeSync, lstatSync, opendirSync, readlinkSync } from "node:fs";
import { kindOf, openFolder } from "./beneath.ts";
import type { EntryKind } from "./request.ts";

/** Names of a folder that are counted. A folder of more takes seconds to read. */
const MAX_COUNTED = 1_000_000;
/** Names that one call reads from the system. */
const BATCH = 1024;
/** Bytes of a block, in which the system counts what a file takes. */
const BLOCK_BYTES = 512;
/** Bytes of a link's target that are shown. */
const MAX_TARGET_BYTES = 1024;

interface Entry {
  name: string;
  /** The name has bytes that are no UTF-8, and cannot be asked for. */
  not_utf8?: true;
  kind: EntryKind;
  bytes: number;
  /** Bytes on disk: fewer than `bytes` for a sparse file. */
  on_disk: number;
  modified_ms: number;
  executable?: true;
  /** Where a link points. */
  target?: string;
}

/**
 * Writes a listing as a line of JSON: the entries of a folder, in the order of their names. Of a folder with more than
 * `maxEntries`, those that the system names first. `only` limits it to some names.
 */
export function list(path: string, limits: { maxEntries: number; maxBytes: number; only?: readonly string[] }): string {
  const folder = openFolder(path);
  try {
    const only = limits.only?.map((name) => Buffer.from(name));
    const { names, more, isCut } = only ? { names: only, more: 0, isCut: false } : namesOf(folder, limits.maxEntries);
    // The names are then looked up in the open folder itself, in a third of the time.
    process.chdir(`/proc/self/fd/${folder}`);
    const rows: string[] = [];
    let bytes = 0;
    let missing = more;
    for (const name of names.sort(Buffer.compare)) {
      const entry = entryOf(name);
      // It was removed while the folder was listed.
      if (entry === undefined) continue;
      const row = JSON.stringify(entry);
      bytes += Buffer.byteLength(row) + 1;
      if (bytes > limits.maxBytes) missing += 1;
      else rows.push(row);
    }
    return `{"entries":[${rows.join(",")}],"more":${missing}${isCut ? ',"uncounted":true' : ""}}`;
  } finally {
    closeSync(folder);
  }
}

/** Names in a folder, `most` of them as they come. The others are counted. */
export function namesOf(folder: number, most: number): { names: Buffer[]; more: number; isCut: boolean } {
  const names: Buffer[] = [];
  let more = 0;
  const open = opendirSync(`/proc/self/fd/${folder}`, { encoding: "buffer" as BufferEncoding, bufferSize: BATCH });
  try {
    for (let next = open.readSync(); next !== null; next = open.readSync()) {
      if (names.length < most) names.push(next.name as unknown as Buffer);
      else if (++more >= MAX_COUNTED) return { names, more, isCut: true };
    }
    return { names, more, isCut: false };
  } finally {
    open.closeSync();
  }
}

/** What is at a name of the working folder. Follows nothing and opens nothing. Undefined if it is there no more. */
function entryOf(name: Buffer): Entry | undefined {
  const stat = lstatSync(name, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  const kind = kindOf(stat);
  const entry: Entry = {
    name: name.toString("utf8"),
    kind,
    bytes: Math.min(stat.size, Number.MAX_SAFE_INTEGER),
    on_disk: Math.min(stat.blocks * BLOCK_BYTES, Number.MAX_SAFE_INTEGER),
    modified_ms: stat.mtimeMs,
  };
  if (!isUtf8(name)) entry.not_utf8 = true;
  if (kind === "file" && (stat.mode & 0o100) !== 0) entry.executable = true;
  if (kind === "link") entry.target = targetOf(name);
  return entry;
}

function targetOf(name: Buffer): string {
  try {
    return readlinkSync(name, "buffer").subarray(0, MAX_TARGET_BYTES).toString("utf8");
  } catch {
    // It was replaced meanwhile.
    return "";
  }
}
