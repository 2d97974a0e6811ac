import { closeSync, constants, fsyncSync, mkdirSync, openSync, readSync, unlinkSync } from "node:fs";
import { isNoRoom } from "../../lib/no-room.ts";
import { writeAll } from "./download.ts";
import { inFolder, openChild, openFolder } from "./beneath.ts";
import { parted } from "./read.ts";
import { Refusal } from "./request.ts";

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
/** Bytes that one call reads. */
const CHUNK = 256 * 1024;

/**
 * Writes standard input to a new file in a folder, which is made if it does not exist. The file is on stable storage
 * afterwards. If anything else than exactly `bytes` bytes come, it is removed again.
 */
export function write(path: string, name: string, bytes: number): void {
  const folder = openOrMake(path);
  const full = `${path}/${name}`;
  try {
    const file = openSync(inFolder(folder, name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o644);
    try {
      receive(file, bytes, full);
      fsyncSync(file);
    } catch (error) {
      unlinkSync(inFolder(folder, name));
      throw error;
    } finally {
      closeSync(file);
    }
    fsyncSync(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") throw new Refusal("conflict", `${full} exists already: send the file again`);
    if (isNoRoom(error)) throw new Refusal("disk_full", `there is no room for ${full}: free some, and send the file again`);
    throw error;
  } finally {
    closeSync(folder);
  }
}

function openOrMake(path: string): number {
  const { folder: upper, name } = parted(path);
  const open = openFolder(upper);
  try {
    try {
      mkdirSync(inFolder(open, name), 0o755);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    return openChild(open, name, path);
  } finally {
    closeSync(open);
  }
}

function receive(file: number, bytes: number, path: string): void {
  const chunk = Buffer.allocUnsafe(CHUNK);
  let left = bytes;
  for (;;) {
    const got = readSync(0, chunk, 0, CHUNK, null);
    if (got === 0) break;
    left -= got;
    if (left < 0) throw new Refusal("conflict", `more came for ${path} than was announced: send the file again`);
    writeAll(file, chunk.subarray(0, got));
  }
  if (left > 0) throw new Refusal("conflict", `less came for ${path} than was announced: send the file again`);
}
