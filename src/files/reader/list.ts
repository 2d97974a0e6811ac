import { isUtf8 } from "node:buffer";
import { closeSync, opendirSync, readlinkSync } from "node:fs";
import { inFolder, kindOf, look, openFolder } from "./beneath.ts";
import type { EntryKind } from "./request.ts";

/** Names of a folder that are counted. A folder of more takes seconds to read. */
const MAX_COUNTED = 1_000_000;
/** Names that one call reads from the system. */
const BATCH = 1024;
/** Bytes of a link's target that are shown. */
const MAX_TARGET_BYTES = 1024;

export interface Entry {
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

export interface Listing {
  entries: Entry[];
  /** Names that are not in `entries`. */
  more: number;
  /** There are even more: no further name was counted. */
  uncounted?: true;
}

/**
 * The entries of a folder, in the order of their names. Of a folder with more than `maxEntries`, those that the system names
 * first. `only` limits it to some names.
 */
export function list(path: string, limits: { maxEntries: number; maxBytes: number; only?: readonly string[] }): Listing {
  const folder = openFolder(path);
  try {
    const only = limits.only?.map((name) => Buffer.from(name));
    const { names, more, isCut } = only ? { names: only, more: 0, isCut: false } : namesOf(folder, limits.maxEntries);
    const entries: Entry[] = [];
    let bytes = 0;
    let missing = more;
    for (const name of names.sort(Buffer.compare)) {
      const entry = entryOf(folder, name);
      // It was removed while the folder was listed.
      if (entry === undefined) continue;
      bytes += Buffer.byteLength(JSON.stringify(entry)) + 1;
      if (bytes > limits.maxBytes) missing += 1;
      else entries.push(entry);
    }
    return { entries, more: missing, ...(isCut ? { uncounted: true } : {}) };
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

function entryOf(folder: number, name: Buffer): Entry | undefined {
  try {
    const stat = look(folder, name);
    const kind = kindOf(stat);
    return {
      name: name.toString("utf8"),
      ...(isUtf8(name) ? {} : { not_utf8: true }),
      kind,
      bytes: Number(stat.size),
      on_disk: Number(stat.blocks) * 512,
      modified_ms: Number(stat.mtimeMs),
      ...(kind === "file" && (stat.mode & 0o100n) !== 0n ? { executable: true } : {}),
      ...(kind === "link" ? { target: targetOf(folder, name) } : {}),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function targetOf(folder: number, name: Buffer): string {
  try {
    return readlinkSync(inFolder(folder, name), "buffer").subarray(0, MAX_TARGET_BYTES).toString("utf8");
  } catch {
    // It was replaced meanwhile.
    return "";
  }
}
