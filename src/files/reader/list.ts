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
/** Bytes of an entry's JSON, as operators get it, besides its name and target: with every field, of the longest values. */
const ROW_BYTES = 180;
/** A name whose JSON is itself, which most are. */
const PLAIN = /^[ !#-[\]-~]*$/;
const ASCII = /^[\0-\x7f]*$/;

/**
 * A listing, as the reader writes it: a column for each fact, in the order of the names. It takes half the time of an
 * object for each name, here and where it is read.
 */
export interface Columns {
  name: string[];
  kind: EntryKind[];
  bytes: number[];
  /** Bytes on disk: fewer than `bytes` for a sparse file. */
  on_disk: number[];
  modified_ms: number[];
  /** Where in the columns a name has bytes that are no UTF-8, and cannot be asked for. */
  not_utf8: number[];
  /** Where in the columns programs are. */
  executable: number[];
  /** Where in the columns a link is, and where it points. */
  target: [number, string][];
  /** How many names the folder has besides. */
  more: number;
  /** It has even more: no further name was counted. */
  uncounted?: true;
}

/**
 * The entries of a folder, in the order of their names. Of a folder with more than `maxEntries`, those that the system
 * names first. `only` limits it to some names, of ASCII.
 */
export function list(path: string, limits: { maxEntries: number; maxBytes: number; only?: readonly string[] }): Columns {
  const folder = openFolder(path);
  try {
    const { only } = limits;
    const { names, more, isCut } = only ? { names: [...only], more: 0, isCut: false } : namesOf(folder, limits.maxEntries);
    // The names are then looked up in the open folder itself, in a third of the time.
    process.chdir(`/proc/self/fd/${folder}`);
    const rows: Columns = {
      name: [],
      kind: [],
      bytes: [],
      on_disk: [],
      modified_ms: [],
      not_utf8: [],
      executable: [],
      target: [],
      more,
      ...(isCut ? { uncounted: true } : {}),
    };
    let left = limits.maxBytes;
    for (const name of names.sort()) left -= add(name, rows, left);
    return rows;
  } finally {
    closeSync(folder);
  }
}

/**
 * Adds what is at a name of the working folder, if that has at most `most` bytes of JSON, and counts it otherwise. Follows
 * nothing and opens nothing. Returns the bytes that it takes of `most`: none if it was removed while the folder was listed,
 * all if it was counted, so that nothing that follows is added.
 */
function add(latin: string, rows: Columns, most: number): number {
  const isAscii = ASCII.test(latin);
  const raw = isAscii ? latin : Buffer.from(latin, "latin1");
  const stat = lstatSync(raw, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  const name = isAscii ? latin : raw.toString("utf8");
  const kind = kindOf(stat);
  const target = kind === "link" ? targetOf(raw) : undefined;
  const bytes = ROW_BYTES + bytesOf(name) + (target === undefined ? 0 : bytesOf(target));
  if (bytes > most) {
    rows.more += 1;
    return most;
  }
  const at = rows.name.push(name) - 1;
  rows.kind.push(kind);
  rows.bytes.push(Math.min(stat.size, Number.MAX_SAFE_INTEGER));
  rows.on_disk.push(Math.min(stat.blocks * BLOCK_BYTES, Number.MAX_SAFE_INTEGER));
  rows.modified_ms.push(Math.floor(stat.mtimeMs));
  if (typeof raw !== "string" && !isUtf8(raw)) rows.not_utf8.push(at);
  if (kind === "file" && (stat.mode & 0o100) !== 0) rows.executable.push(at);
  if (target !== undefined) rows.target.push([at, target]);
  return bytes;
}

const bytesOf = (text: string): number => (PLAIN.test(text) ? text.length : Buffer.byteLength(JSON.stringify(text)));

function targetOf(name: Buffer | string): string {
  try {
    return readlinkSync(name, "buffer").subarray(0, MAX_TARGET_BYTES).toString("utf8");
  } catch {
    // It was replaced meanwhile.
    return "";
  }
}

/**
 * Names in a folder, `most` of them as they come. The others are counted. A name's bytes are the characters of a string, so
 * that strings, which cost less than buffers, are in the order of the bytes.
 */
export function namesOf(folder: number, most: number): { names: string[]; more: number; isCut: boolean } {
  const names: string[] = [];
  let more = 0;
  const open = opendirSync(`/proc/self/fd/${folder}`, { encoding: "latin1", bufferSize: BATCH });
  try {
    for (let next = open.readSync(); next !== null; next = open.readSync()) {
      if (names.length < most) names.push(next.name);
      else if (++more >= MAX_COUNTED) return { names, more, isCut: true };
    }
    return { names, more, isCut: false };
  } finally {
    open.closeSync();
  }
}
