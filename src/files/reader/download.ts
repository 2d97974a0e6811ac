import { closeSync, readSync, writeSync, type BigIntStats } from "node:fs";
import { kindOf, look, openChild, openFile, openFolder } from "./beneath.ts";
import { namesOf } from "./list.ts";
import { parted } from "./read.ts";
import { Refusal, type EntryKind } from "./request.ts";
import { END, headers, padding } from "./tar.ts";

/** Folders below each other: one descriptor is open for each. */
const MAX_DEPTH = 200;
/** Things that are left out and named. More are counted. */
const MAX_NAMED = 50;
/** Characters of a path that is named. Fifty of them fit into the line before the content, however they are written. */
const MAX_NAMED_CHARS = 300;
/** Bytes that one call reads: a pipe of the largest size that a user may have. */
const CHUNK = 1024 * 1024;

/** What the answer's first line says about the bytes that follow it. */
export interface DownloadHead {
  what: "file" | "folder";
  /** Bytes of a file. The length of an archive is not known. */
  bytes?: number;
  /** What the archive leaves out, because it is neither a file nor a folder: relative paths. */
  left_out: { path: string; kind: EntryKind }[];
  /** How many are left out. */
  left: number;
}

export interface DownloadLimits {
  maxBytes: number;
  maxEntries: number;
}

/** Writes a head line with `begin`, then a file as it is, or a folder as a tar archive of its files and folders. */
export function download(path: string, limits: DownloadLimits, out: number, begin: (head: DownloadHead) => void): void {
  const { folder, name } = parted(path);
  const isRoot = folder === "";
  const upper = isRoot ? undefined : openFolder(folder);
  try {
    if (upper === undefined || isFolder(upper, name)) {
      const open = upper === undefined ? openFolder(path) : openChild(upper, name, path);
      try {
        const found = survey(open, path, limits);
        begin({ what: "folder", left_out: found.named, left: found.left });
        new Packer(out, limits).pack(open, Buffer.from(`${name}/`), 0);
        writeAll(out, END);
      } finally {
        closeSync(open);
      }
      return;
    }
    const { file, stat } = openFile(upper, name, path);
    try {
      if (stat.size > BigInt(limits.maxBytes)) throw tooLarge(path, limits.maxBytes);
      begin({ what: "file", bytes: Number(stat.size), left_out: [], left: 0 });
      copy(file, out, Number(stat.size), path);
    } finally {
      closeSync(file);
    }
  } finally {
    if (upper !== undefined) closeSync(upper);
  }
}

function isFolder(folder: number, name: string): boolean {
  try {
    return kindOf(look(folder, name)) === "folder";
  } catch {
    // It does not exist: to open it gives the words.
    return false;
  }
}

/** Sizes and kinds of all that is in a folder, before anything is sent. Throws if it is too much. */
function survey(folder: number, path: string, limits: DownloadLimits): { named: DownloadHead["left_out"]; left: number } {
  let bytes = 0n;
  let entries = 0;
  const result: { named: DownloadHead["left_out"]; left: number } = { named: [], left: 0 };
  walk(
    folder,
    { prefix: Buffer.alloc(0), depth: 0, most: limits.maxEntries + 1 },
    {
      count: () => {
        entries += 1;
        if (entries > limits.maxEntries)
          throw new Refusal(
            "too_large",
            `${path} has more than ${limits.maxEntries} files and folders: download one of its folders`,
          );
      },
      other: (at, kind) => {
        result.left += 1;
        if (result.named.length < MAX_NAMED) result.named.push({ path: shown(at), kind });
      },
      file: (_open, _name, _at, stat) => {
        bytes += stat.size;
        if (bytes > BigInt(limits.maxBytes)) throw tooLarge(path, limits.maxBytes);
      },
      folder: () => {},
    },
  );
  return result;
}

interface Visitor {
  count(): void;
  other(path: Buffer, kind: EntryKind): void;
  file(folder: number, name: Buffer, path: Buffer, stat: BigIntStats): void;
  folder(path: Buffer, stat: BigIntStats): void;
}

interface Place {
  prefix: Buffer;
  depth: number;
  /** Names of one folder that are read: one more than the visitor takes. */
  most: number;
}

function walk(folder: number, { prefix, depth, most }: Place, visitor: Visitor): void {
  if (depth > MAX_DEPTH) throw new Refusal("too_large", `its folders are more than ${MAX_DEPTH} deep: download one of them`);
  const { names } = namesOf(folder, most);
  for (const latin of names.sort()) {
    visitor.count();
    const name = Buffer.from(latin, "latin1");
    const path = Buffer.concat([prefix, name]);
    const stat = present(() => look(folder, name));
    if (stat === undefined) continue;
    const kind = kindOf(stat);
    // What its own modes forbid the agent to read is named as what is left out.
    if ((kind === "file" && (stat.mode & 0o400n) === 0n) || (kind === "folder" && (stat.mode & 0o500n) !== 0o500n))
      visitor.other(path, "unknown");
    else if (kind === "file") visitor.file(folder, name, path, stat);
    else if (kind === "folder") {
      const below = present(() => openChild(folder, name, path.toString("utf8")));
      if (below === undefined) continue;
      try {
        const inside = Buffer.concat([path, Buffer.from("/")]);
        visitor.folder(inside, stat);
        walk(below, { prefix: inside, depth: depth + 1, most }, visitor);
      } finally {
        closeSync(below);
      }
    } else visitor.other(path, kind);
  }
}

/** A path as it is named: of a long one its end. */
function shown(path: Buffer): string {
  const text = path.toString("utf8");
  return text.length <= MAX_NAMED_CHARS ? text : `…${text.slice(-MAX_NAMED_CHARS)}`;
}

/** What the agent has removed or replaced meanwhile is left out. */
function present<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    const isGone = (error as NodeJS.ErrnoException).code === "ENOENT" || (error instanceof Refusal && error.code !== "too_large");
    if (isGone) return undefined;
    throw error;
  }
}

/** Writes an archive. What was added since the survey counts, too. */
class Packer {
  readonly #out: number;
  readonly #limits: DownloadLimits;
  #bytes = 0;
  #entries = 0;

  constructor(out: number, limits: DownloadLimits) {
    this.#out = out;
    this.#limits = limits;
  }

  pack(folder: number, prefix: Buffer, modified: number): void {
    writeAll(this.#out, headers({ path: prefix, isFolder: true, bytes: 0, executable: true, modified }));
    walk(
      folder,
      { prefix, depth: 0, most: this.#limits.maxEntries + 1 },
      {
        count: () => {
          if (++this.#entries > this.#limits.maxEntries) throw new Error("the folder has grown while it was sent");
        },
        other: () => {},
        folder: (path, stat) =>
          writeAll(this.#out, headers({ path, isFolder: true, bytes: 0, executable: true, modified: seconds(stat) })),
        file: (open, name, path) => {
          const opened = present(() => openFile(open, name, path.toString("utf8")));
          if (opened === undefined) return;
          const { file, stat } = opened;
          try {
            const bytes = Number(stat.size);
            this.#bytes += bytes;
            if (this.#bytes > this.#limits.maxBytes) throw new Error("the folder has grown while it was sent");
            const executable = (stat.mode & 0o100n) !== 0n;
            writeAll(this.#out, headers({ path, isFolder: false, bytes, executable, modified: seconds(stat) }));
            copy(file, this.#out, bytes, path.toString("utf8"));
            writeAll(this.#out, padding(bytes));
          } finally {
            closeSync(file);
          }
        },
      },
    );
  }
}

const seconds = (stat: BigIntStats): number => Number(stat.mtimeMs / 1000n);

/** Copies exactly this many bytes. Throws if the file has become shorter: the receiver was promised its length. */
function copy(file: number, out: number, bytes: number, path: string): void {
  const chunk = Buffer.allocUnsafe(Math.min(CHUNK, Math.max(bytes, 1)));
  for (let left = bytes; left > 0;) {
    const got = readSync(file, chunk, 0, Math.min(chunk.length, left), null);
    if (got === 0) throw new Error(`${path} has become shorter while it was sent`);
    writeAll(out, chunk.subarray(0, got));
    left -= got;
  }
}

/** Writes everything. A pipe of the parent blocks until the parent has read, which is the back-pressure. */
export function writeAll(out: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(out, bytes, at, bytes.length - at);
}

function tooLarge(path: string, maxBytes: number): Refusal {
  return new Refusal("too_large", `${path} has more than ${maxBytes / 1024 ** 3} GiB: a download has at most that`);
}
