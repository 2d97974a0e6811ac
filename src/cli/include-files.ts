import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { basename, isAbsolute, normalize } from "node:path";
import { IncludePath, MAX_INCLUDE_BYTES, type IncludedFile, type IncludeView } from "../wire/include.ts";
import { UsageError } from "./exit.ts";
import { age, visible, type View } from "./print.ts";
import { table } from "./table.ts";
import { sizeText } from "../wire/size-text.ts";

const OWNER_MAY_RUN = 0o100;

/** Reads a file of the operator, and decides on its path in a workspace. Throws if it is no plain file or too large. */
export function includedFile(file: string, as: string | undefined): IncludedFile {
  const written = normalize(file);
  const path = IncludePath.safeParse(as ?? (isAbsolute(written) || written.startsWith("..") ? basename(written) : written));
  if (!path.success)
    throw new UsageError(
      `${visible(as ?? file)} cannot be a path in a workspace: ${path.error.issues[0]?.message ?? "it is no path"}`,
    );
  const { content, mode } = read(file);
  return { path: path.data, content: content.toString("base64"), executable: (mode & OWNER_MAY_RUN) !== 0 };
}

function read(file: string): { content: Buffer; mode: number } {
  const open = opened(file);
  try {
    const found = fstatSync(open);
    if (!found.isFile()) throw new UsageError(`${visible(file)} is no file: name each file of a folder`);
    // One byte more, so that a file that grows is noticed.
    const buffer = Buffer.alloc(MAX_INCLUDE_BYTES + 1);
    let length = 0;
    for (let got = 1; got > 0 && length < buffer.length; length += got)
      got = readSync(open, buffer, length, buffer.length - length, null);
    if (length > MAX_INCLUDE_BYTES)
      throw new UsageError(
        `${visible(file)} is larger than ${sizeText(MAX_INCLUDE_BYTES)}, which is the most for an included file`,
      );
    return { content: buffer.subarray(0, length), mode: found.mode };
  } finally {
    closeSync(open);
  }
}

/** Opens a file without waiting for a writer of a pipe. */
function opened(file: string): number {
  try {
    return openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new UsageError(`${visible(file)} cannot be read: ${code === "ENOENT" ? "it does not exist" : String(code)}`);
  }
}

/** Included files as table rows. */
export function includeTable(files: readonly IncludeView[], { paint, width, now }: View): string {
  return table(
    files,
    [
      { title: "PATH", value: (one) => one.path, colour: () => "bold" },
      { title: "SIZE", value: (one) => sizeText(one.bytes) },
      { title: "ADDED", value: (one) => age(one.added_at, now) },
    ],
    width,
    paint,
  );
}
