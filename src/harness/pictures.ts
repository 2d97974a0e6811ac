import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { attachedOf } from "../wire/attached.ts";
import { MAX_PICTURE_BYTES } from "../wire/file-limits.ts";
import type { PictureType } from "../wire/files.ts";
import type { LeasedMessage } from "../wire/message.ts";
import { OPERATOR } from "../wire/names.ts";
import { pictureType } from "../wire/picture.ts";

/** A picture for the model. */
export interface Picture {
  type: PictureType;
  base64: string;
}

/**
 * Bytes of the pictures of one message: a request to the model has at most 32 MiB, with every picture of the session in
 * base64.
 */
const MAX_BYTES = 10 * 1024 * 1024;

/**
 * The pictures that an operator has sent with a message. A file that is none, is too large or is there no more is only named
 * in the text. The agent's own programs may have replaced it: only a plain file is read, and without waiting for one. `root` is another root of its paths for tests.
 */
export async function picturesOf({ from, body }: Pick<LeasedMessage, "from" | "body">, root = ""): Promise<Picture[]> {
  if (from !== OPERATOR) return [];
  const pictures: Picture[] = [];
  let left = MAX_BYTES;
  for (const path of attachedOf(body)) {
    const bytes = await readSome(root + path, Math.min(left, MAX_PICTURE_BYTES));
    const type = bytes && pictureType(bytes);
    if (bytes === undefined || type === undefined) continue;
    left -= bytes.length;
    pictures.push({ type, base64: bytes.toString("base64") });
  }
  return pictures;
}

/** A file of at most so many bytes. Undefined for anything else. */
async function readSome(path: string, most: number): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await file.stat();
      if (!stat.isFile() || stat.size > most) return undefined;
      const bytes = Buffer.alloc(stat.size);
      const { bytesRead } = await file.read(bytes, 0, stat.size, 0);
      return bytes.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch {
    // It is there no more, or it is a link. The message names it all the same.
    return undefined;
  }
}
