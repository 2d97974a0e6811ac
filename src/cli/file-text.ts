import type { FileEntry } from "../wire/files.ts";
import type { Output } from "../wire/operations.ts";
import { age, type View } from "./print.ts";
import { sizeText } from "../wire/size-text.ts";
import { table } from "./table.ts";

/** The kind of an entry as one word; empty for a plain file. */
function kindWords({ kind, executable, bytes, on_disk: onDisk, not_utf8: notUtf8 }: FileEntry): string {
  if (kind !== "file") return kind;
  const isSparse = onDisk < bytes / 2 && bytes > 1024 * 1024;
  return [executable === true ? "program" : "", isSparse ? "sparse" : "", notUtf8 === true ? "name is no UTF-8" : ""]
    .filter(Boolean)
    .join(", ");
}

/** The names in a folder as table rows, and how many are not shown. */
export function fileTable(path: string, { entries, more, uncounted }: Output<"file_list">, { paint, width, now }: View): string {
  if (entries.length === 0) return `${path} is empty`;
  const rows = table(
    entries,
    [
      {
        title: "NAME",
        value: ({ name, kind, target }) => `${name}${kind === "folder" ? "/" : ""}${target === undefined ? "" : ` → ${target}`}`,
        colour: ({ kind }) => (kind === "folder" ? "bold" : kind === "file" ? undefined : "amber"),
        isWide: true,
      },
      { title: "KIND", value: kindWords },
      { title: "SIZE", value: ({ kind, bytes }) => (kind === "file" ? sizeText(bytes) : "") },
      { title: "CHANGED", value: ({ modified_at: at }) => age(at, now), spare: 1 },
    ],
    width,
    paint,
  );
  return more === 0 ? rows : `${rows}\nand ${uncounted === true ? "more than " : ""}${more} more`;
}
