import type { FileChange } from "../../src/config-repos/types.ts";
import type { TreeFile } from "../../src/wire/approval.ts";

/** The changes from one tree to another in git's form, but without detecting lines that stay. */
export function changesOf(before: readonly TreeFile[], after: readonly TreeFile[]): FileChange[] {
  const [old, fresh] = [byPath(before), byPath(after)];
  const paths = [...new Set([...old.keys(), ...fresh.keys()])].sort();
  return paths.flatMap((path): FileChange[] => {
    const [from, to] = [old.get(path), fresh.get(path)];
    if (from?.base64 === to?.base64 && from?.mode === to?.mode) return [];
    const isSame = from?.base64 === to?.base64;
    const [removed, added] = isSame ? [[], []] : [linesOf(from), linesOf(to)];
    const text = [...signed("-", removed), ...signed("+", added)].join("");
    const header = `@@ -1,${removed.length} +1,${added.length} @@\n`;
    return [
      {
        path,
        status: from === undefined ? "added" : to === undefined ? "deleted" : "modified",
        ...(from ? { old_mode: from.mode } : {}),
        ...(to ? { new_mode: to.mode } : {}),
        added: added.length,
        removed: removed.length,
        hunks: Buffer.from(text === "" ? "" : header + text, "latin1"),
      },
    ];
  });
}

const byPath = (files: readonly TreeFile[]): Map<string, TreeFile> => new Map(files.map((file) => [file.path, file]));
const signed = (sign: string, lines: readonly string[]): string[] => lines.map((line) => `${sign}${line}\n`);

/** Lines without their ends, one character per byte. */
function linesOf(file: TreeFile | undefined): string[] {
  const text = Buffer.from(file?.base64 ?? "", "base64").toString("latin1");
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
