/** Bytes of a block of a tar archive. Headers and contents are padded to it. */
export const BLOCK = 512;
/** Bytes of a name that fit into a header. Longer ones, and ones that are not ASCII, have a header of their own before it. */
const NAME_BYTES = 100;

export interface TarEntry {
  /** Relative; a folder's ends with a slash. */
  path: Buffer;
  isFolder: boolean;
  bytes: number;
  executable: boolean;
  /** Seconds. */
  modified: number;
}

/** The headers of a file or folder: pax, without ids and with plain modes. */
export function headers(entry: TarEntry): Buffer {
  const { path, isFolder, bytes, modified } = entry;
  const mode = isFolder || entry.executable ? 0o755 : 0o644;
  const own = header({ name: path.subarray(0, NAME_BYTES), kind: isFolder ? "5" : "0", mode, bytes, modified });
  if (path.length <= NAME_BYTES && path.every((byte) => byte < 0x80)) return own;
  const record = paxRecord("path", path);
  return Buffer.concat([
    header({ name: Buffer.from("pax"), kind: "x", mode: 0o644, bytes: record.length, modified }),
    record,
    padding(record.length),
    own,
  ]);
}

/** What follows a content of this length. */
export const padding = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);

/** The end of an archive. */
export const END = Buffer.alloc(2 * BLOCK);

function header({
  name,
  kind,
  mode,
  bytes,
  modified,
}: {
  name: Buffer;
  kind: string;
  mode: number;
  bytes: number;
  modified: number;
}): Buffer {
  const block = Buffer.alloc(BLOCK);
  name.copy(block, 0);
  octal(block, 100, 8, mode);
  octal(block, 108, 8, 0);
  octal(block, 116, 8, 0);
  octal(block, 124, 12, bytes);
  octal(block, 136, 12, Math.max(0, modified));
  block.fill(" ", 148, 156);
  block.write(kind, 156, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A number as the format has it: octal digits, then NUL. A moment of after 2242 becomes the last that fits. */
function octal(block: Buffer, at: number, length: number, value: number): void {
  const most = 8 ** (length - 1) - 1;
  block.write(
    `${Math.min(value, most)
      .toString(8)
      .padStart(length - 1, "0")}\0`,
    at,
    "latin1",
  );
}

/** `<length> <key>=<value>\n`, where the length counts its own digits. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}
