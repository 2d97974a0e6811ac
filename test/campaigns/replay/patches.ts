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

/**
 * The blocks of changed lines in a patch, by path as git prints it. Where lines only come, the absence of each of them is
 * taken away, and where lines only go, it is brought. Lines of nothing but white space are left out.
 */
function blocksOf(patch: string): FileChange[] {
  const changes: FileChange[] = [];
  for (const file of patch.split(/^(?=diff --git )/m).filter(Boolean)) {
    const [head = "", ...hunks] = file.split(/^@@ .*\n/m);
    const change: FileChange = { path: head.split("\n", 1)[0] ?? "", removed: [], added: [] };
    for (const hunk of hunks) {
      const [removed, added] = [linesOf(hunk, "-"), linesOf(hunk, "+")];
      if (removed.length > 0) change.removed.push(removed.join("\n"));
      else for (const line of added) change.removed.push(`without ${line}`);
      if (added.length > 0) change.added.push(added.join("\n"));
      else for (const line of removed) change.added.push(`without ${line}`);
    }
    changes.push(change);
  }
  return changes;
}

function linesOf(hunk: string, sign: "-" | "+"): string[] {
  const lines = hunk.split("\n").filter((line) => line.startsWith(sign));
  return lines.map((line) => line.slice(1)).filter((line) => line.trim() !== "");
}
