import { createServer } from "node:net";
import { join } from "node:path";
import type { Place } from "./place.ts";

/** An entry of an archive as no program of the hive would write it. */
export interface Entry {
  path: string;
  /** The type of the format: `0` a file, `1` a hard link, `2` a link, `3` and `4` devices, `5` a folder, `6` a fifo. */
  kind?: string;
  mode?: number;
  /** Where a link points. */
  link?: string;
  content?: string;
}

const BLOCK = 512;

/** A tar archive of these entries. */
export function archive(entries: readonly Entry[]): Buffer {
  return Buffer.concat([...entries.flatMap(blocks), Buffer.alloc(2 * BLOCK)]);
}

function blocks({ path, kind = "0", mode = 0o644, link = "", content = "" }: Entry): Buffer[] {
  const head = Buffer.alloc(BLOCK);
  const octal = (at: number, length: number, value: number): number =>
    head.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  head.write(path, 0);
  octal(100, 8, mode);
  octal(108, 8, 0);
  octal(116, 8, 0);
  octal(124, 12, Buffer.byteLength(content));
  octal(136, 12, 0);
  head.fill(" ", 148, 156);
  head.write(kind, 156, "latin1");
  head.write(link, 157);
  head.write("ustar\u000000", 257, "latin1");
  octal(329, 8, 1);
  octal(337, 8, 3);
  octal(
    148,
    7,
    head.reduce((sum, byte) => sum + byte, 0),
  );
  const body = Buffer.from(content);
  return [head, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)];
}

/**
 * A hive that has been taken over, as far as a copy goes: it answers every request with this archive. Resolves with the
 * path of its socket.
 */
export async function takenHive(place: Place): Promise<{ socket: string; send(archive: Buffer): void }> {
  const socket = join(place.hive.folder, "taken.sock");
  let bytes: Buffer = Buffer.alloc(0);
  const server = createServer((connection) => {
    connection.on("error", () => {}); // The other end is gone.
    const answer = (output: object): boolean => connection.write(`${JSON.stringify({ version: 1, ok: true, ...output })}\n`);
    connection.on("data", () => {
      answer({ what: "folder", left: 0, left_out: [] });
      answer({ piece: bytes.toString("base64") });
      answer({ done: true });
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  place.atEnd(() => new Promise((resolve) => server.close(resolve)));
  return { socket, send: (sent) => (bytes = sent) };
}
