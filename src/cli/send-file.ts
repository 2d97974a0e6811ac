import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { basename } from "node:path";
import { MAX_ATTACHED, withAttached } from "../wire/attached.ts";
import { MAX_PIECE_BYTES, MAX_UPLOAD_BYTES } from "../wire/file-limits.ts";
import type { Output } from "../wire/operations.ts";
import { EXIT, Failure, UsageError } from "./exit.ts";
import type { Shell } from "./shell.ts";

/** Sends a file of this user to an agent's inbox, in pieces. Answers where the agent finds it. */
export async function sendFile({ client }: Pick<Shell, "client">, name: string, local: string): Promise<Output<"upload_finish">> {
  // Without waiting for the writer of a fifo.
  const file = await open(local, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw new Failure(EXIT.refused, "not_found", `${local} cannot be read (${error.code ?? error.message}): name a file`);
  });
  try {
    const stat = await file.stat();
    if (!stat.isFile())
      throw new Failure(EXIT.refused, "bad_request", `${local} is no file: pack a folder first, for example with tar`);
    if (stat.size > MAX_UPLOAD_BYTES)
      throw new Failure(
        EXIT.refused,
        "too_large",
        `${local} has more than ${MAX_UPLOAD_BYTES / 1024 ** 2} MiB, and an agent is sent at most that`,
      );
    const { upload } = await client.call("upload_start", { name, file: basename(local), bytes: stat.size });
    const buffer = Buffer.alloc(MAX_PIECE_BYTES);
    for (let left = stat.size; left > 0;) {
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, left));
      // It has become shorter: the end of the upload says so.
      if (bytesRead === 0) break;
      await client.call("upload_piece", { upload, piece: buffer.toString("base64", 0, bytesRead) });
      left -= bytesRead;
    }
    return await client.call("upload_finish", { upload });
  } finally {
    await file.close();
  }
}

/** Sends files to an agent, and returns the message with their names. */
export async function withFiles(shell: Shell, to: string, text: string, files: readonly string[]): Promise<string> {
  if (to === "*") throw new UsageError("a file is sent to one agent, and not to all of them");
  if (files.length > MAX_ATTACHED)
    throw new UsageError(`a message has at most ${MAX_ATTACHED} files: send the others with another one`);
  const paths: string[] = [];
  for (const file of files) paths.push((await sendFile(shell, to, file)).path);
  return withAttached(text, paths);
}
