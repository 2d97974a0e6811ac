import { git } from "./git.ts";

/** What a commit does to one path: texts that it takes away and texts that it brings. */
export interface FileChange {
  path: string;
  removed: string[];
  added: string[];
}

/** The changes of a commit by path. A rename is a deletion and an addition. */
export function changesOf(folder: string, from: string, to: string): FileChange[] {
  const changes: FileChange[] = [];
  const fields = git(folder, ["diff-tree", "-r", "-z", "--no-renames", from, to]).toString("latin1").split("\0");
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [before = "", after = "", old = "", now = ""] = (fields[at] ?? "").slice(1).split(" ");
    // The whole file is one of these texts: a mode, a link, a submodule and a binary file have no lines.
    changes.push({ path: fields[at + 1] ?? "", removed: [`${before} ${old}`], added: [`${after} ${now}`] });
  }
  return [...changes, ...blocksOf(git(folder, ["diff-tree", "-p", "-U0", "--no-renames", from, to]).toString("latin1"))];
}

/** The blocks of changed lines in a patch, by path as git prints it. Blocks of nothing but white space are left out. */
function blocksOf(patch: string): FileChange[] {
  const changes: FileChange[] = [];
  let change: FileChange | undefined;
  let last = "";
  for (const line of patch.split("\n")) {
    if (line.startsWith("diff --git ")) {
      change = { path: line, removed: [], added: [] };
      changes.push(change);
    }
    const sign = line[0] ?? "";
    const isHeader = /^(?:--- |\+\+\+ )/.test(line) && change?.removed.length === 0 && change.added.length === 0;
    if (change && (sign === "-" || sign === "+") && !isHeader) {
      const blocks = sign === "-" ? change.removed : change.added;
      if (sign === last) blocks.push(`${blocks.pop() ?? ""}\n${line.slice(1)}`);
      else blocks.push(line.slice(1));
    }
    last = isHeader ? "" : sign;
  }
  const isText = (block: string): boolean => block.trim() !== "";
  return changes.map(({ path, removed, added }) => ({ path, removed: removed.filter(isText), added: added.filter(isText) }));
}
