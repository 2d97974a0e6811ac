import { constants } from "node:fs";
import { mkdir, open, type FileHandle } from "node:fs/promises";
import { isUtf8 } from "node:buffer";
import { join } from "node:path";
import { EXIT, Failure } from "./exit.ts";

/** Bytes of a block of a tar archive. */
const BLOCK = 512;
/** Bytes of a header of its own: a path of the largest length. */
const MAX_PAX_BYTES = 16 * 1024;
const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

export interface Unpacked {
  files: number;
  bytes: number;
}

interface Entry {
  parts: string[];
  isFolder: boolean;
  bytes: number;
  isExecutable: boolean;
}

/**
 * Unpacks an archive of an agent's folder into a folder that was just made and is empty. The archive is hostile: only plain
 * files and folders are made, only below the folder, each of them new, with no bit of their modes but that a file is a
 * program. Throws at the first entry that is anything else.
 */
export async function unpackTar(chunks: AsyncIterable<Buffer>, folder: string): Promise<Unpacked> {
  const bytes = new Bytes(chunks);
  const result: Unpacked = { files: 0, bytes: 0 };
  let longPath: Buffer | undefined;
  for (;;) {
    const header = await bytes.take(BLOCK);
    if (header.every((byte) => byte === 0)) break;
    const length = octal(header, 124, 12);
    const kind = header.toString("latin1", 156, 157);
    checkSum(header);
    if (kind === "x") {
      if (length > MAX_PAX_BYTES) throw refused("a header is too long");
      longPath = paxPath(await bytes.take(length));
      await bytes.take(rest(length));
      continue;
    }
    const entry = entryOf(longPath ?? untilNul(header.subarray(0, 100)), { kind, length, mode: octal(header, 100, 8) });
    longPath = undefined;
    // The first part is the folder's own name.
    const path = join(folder, entry.parts.slice(1).join("/"));
    if (entry.isFolder) {
      if (entry.parts.length > 1) await fresh(path, () => mkdir(path));
      continue;
    }
    if (entry.parts.length < 2) throw refused("a file has the folder's name");
    const mode = entry.isExecutable ? 0o777 : 0o666;
    const file = await fresh(path, () => open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode));
    try {
      await bytes.pour(entry.bytes, file);
    } finally {
      await file.close();
    }
    await bytes.take(rest(entry.bytes));
    result.files += 1;
    result.bytes += entry.bytes;
  }
  // What follows the end decides whether everything was sent.
  await bytes.drain();
  return result;
}

function entryOf(path: Buffer, { kind, length, mode }: { kind: string; length: number; mode: number }): Entry {
  const shown = JSON.stringify(path.toString("utf8").slice(0, 200));
  if (kind !== "0" && kind !== "5") throw refused(`${shown} is neither a file nor a folder`);
  if ((mode & 0o7000) !== 0) throw refused(`${shown} has a set-uid bit`);
  if (!isUtf8(path)) throw refused(`the name of ${shown} is no UTF-8`);
  const isFolder = kind === "5";
  const parts = path.toString("utf8").replace(/\/$/, "").split("/");
  if (parts.some((part) => part === "" || part === "." || part === ".." || part.includes("\0")))
    throw refused(`${shown} is no path below the folder`);
  if (isFolder && length !== 0) throw refused(`${shown} is a folder with a content`);
  return { parts, isFolder, bytes: length, isExecutable: (mode & 0o100) !== 0 };
}

/** Makes something. Where something is already, the archive has a name twice. */
async function fresh<T>(path: string, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw refused(`${JSON.stringify(path)} is there twice`);
    throw error;
  }
}

const refused = (why: string): Failure =>
  new Failure(EXIT.refused, "protocol", `the archive is refused: ${why}. Nothing of it was kept`);

const rest = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

function untilNul(field: Buffer): Buffer {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

function octal(header: Buffer, at: number, length: number): number {
  const text = untilNul(header.subarray(at, at + length))
    .toString("latin1")
    .trim();
  if (!/^[0-7]+$/.test(text)) throw refused("a number is not octal");
  return Number.parseInt(text, 8);
}

function checkSum(header: Buffer): void {
  let sum = 0;
  for (const [at, byte] of header.entries()) sum += at >= 148 && at < 156 ? 32 : byte;
  if (sum !== octal(header, 148, 8)) throw refused("a checksum is wrong");
}

/** The path of a pax header: `<length> path=<value>\n`. Other records are not ours. */
function paxPath(record: Buffer): Buffer {
  const space = record.indexOf(32);
  const begin = record.subarray(space + 1);
  const isPath = begin.subarray(0, 5).equals(Buffer.from("path="));
  if (!isPath || Number(record.toString("latin1", 0, space)) !== record.length || record.at(-1) !== 10)
    throw refused("a header is not understood");
  return begin.subarray(5, -1);
}

/** Bytes that come in chunks. */
class Bytes {
  readonly #chunks: AsyncIterator<Buffer>;
  #left = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next chunk. Throws at the end. */
  async #next(): Promise<Buffer> {
    if (this.#left.length > 0) {
      const left = this.#left;
      this.#left = Buffer.alloc(0);
      return left;
    }
    const { value, done } = (await this.#chunks.next()) as IteratorResult<Buffer, undefined>;
    if (done === true) throw refused("it ends too early");
    return value;
  }

  /** Exactly this many bytes, which are few. */
  async take(length: number): Promise<Buffer> {
    const all: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      const chunk = await this.#next();
      all.push(chunk.subarray(0, missing));
      if (chunk.length > missing) this.#left = Buffer.from(chunk.subarray(missing));
      missing -= Math.min(chunk.length, missing);
    }
    return Buffer.concat(all);
  }

  /** Writes exactly this many bytes to a file. */
  async pour(length: number, file: FileHandle): Promise<void> {
    for (let missing = length; missing > 0;) {
      const chunk = await this.#next();
      const part = chunk.subarray(0, missing);
      if (chunk.length > missing) this.#left = Buffer.from(chunk.subarray(missing));
      await file.writeFile(part);
      missing -= part.length;
    }
  }

  /** Takes the rest, and whatever the source has to say at its end. */
  async drain(): Promise<void> {
    for (let next = await this.#chunks.next(); next.done !== true;) next = await this.#chunks.next();
  }
}
