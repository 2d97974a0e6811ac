import { closeSync, readSync } from "node:fs";
import { openFile, openFolder } from "./beneath.ts";

/** A file that is open, at most `maxBytes` long, or only its size. */
export interface FileRead {
  bytes: number;
  /** Undefined if the file is longer than was asked for. */
  content: Buffer | undefined;
}

/** The folder and the name of a path. */
export function parted(path: string): { folder: string; name: string } {
  const at = path.lastIndexOf("/");
  return { folder: path.slice(0, at), name: path.slice(at + 1) };
}

/** Reads a regular file. Of one that is longer than `maxBytes`, it reads nothing. */
export function read(path: string, maxBytes: number): FileRead {
  const { folder, name } = parted(path);
  const open = openFolder(folder);
  try {
    const { file, stat } = openFile(open, name, path);
    try {
      if (stat.size > BigInt(maxBytes))
        return { bytes: Math.min(Number(stat.size), Number.MAX_SAFE_INTEGER), content: undefined };
      // The agent can make it longer meanwhile: what was there is read.
      const content = readUpTo(file, Number(stat.size));
      return { bytes: content.length, content };
    } finally {
      closeSync(file);
    }
  } finally {
    closeSync(open);
  }
}

function readUpTo(file: number, bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  let at = 0;
  while (at < bytes) {
    const got = readSync(file, content, at, bytes - at, null);
    if (got === 0) break;
    at += got;
  }
  return content.subarray(0, at);
}
