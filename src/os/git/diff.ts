import { EMPTY_TREE, git } from "./git.ts";

/** One changed file with its whole patch. */
export interface FileChange {
  path: string;
  status: "added" | "modified" | "deleted" | "renamed" | "type_changed";
  /** Octal modes as git writes them. Absent where the file does not exist. */
  old_mode?: string;
  new_mode?: string;
  added: number;
  removed: number;
  /** The bytes of the hunks as git prints them; empty if only the mode changes or the file is empty. */
  hunks: Buffer;
}

/**
 * Options of the diff. A rename is shown as one deleted and one new file, so that every line of the new one can be
 * read. `--text`, no external program and no conversion: nothing in the tree, not even an attribute, can hide text.
 */
const OPTIONS = ["-r", "-p", "--raw", "-z", "--no-renames", "--text", "--no-ext-diff", "--no-textconv", "--no-color"];
const FORMAT = ["--full-index", "--no-indent-heuristic", "--diff-algorithm=myers", "--unified=3", "--ignore-submodules=none"];

const STATUS: Record<string, FileChange["status"]> = { A: "added", M: "modified", D: "deleted", T: "type_changed" };
const NO_MODE = "000000";

/**
 * The changes from one commit (from nothing if undefined) to another, of all files or of one path, in the order of
 * paths. Complete: the limits of a config tree bound them.
 */
export async function diffCommits(gitDir: string, base: string | undefined, head: string, path?: string): Promise<FileChange[]> {
  const from = base === undefined ? EMPTY_TREE : `${base}^{tree}`;
  const only = path === undefined ? [] : ["--", `:(top,literal)${path}`];
  const out = await git(gitDir, ["diff-tree", ...OPTIONS, ...FORMAT, "--end-of-options", from, `${head}^{tree}`, ...only]);
  return parseDiff(out);
}

/** Parses the output of `git diff-tree --raw -p -z`: records that end in NUL, an empty one, then the patches. */
export function parseDiff(out: Buffer): FileChange[] {
  const { entries, patchesAt } = readRaw(out);
  const sections = splitPatches(out.subarray(patchesAt));
  let next = 0;
  return entries.map((entry) => {
    // Git writes a change of type as two patches: the old file is deleted, the new one is added.
    const bytes = Buffer.concat(sections.slice(next, (next += entry.status === "type_changed" ? 2 : 1)).map(hunks));
    return { ...entry, ...count(bytes), hunks: bytes };
  });
}

type Entry = Pick<FileChange, "path" | "status" | "old_mode" | "new_mode">;

function readRaw(out: Buffer): { entries: Entry[]; patchesAt: number } {
  const entries: Entry[] = [];
  let at = 0;
  while (out[at] === 58) {
    const headEnd = out.indexOf(0, at);
    const pathEnd = out.indexOf(0, headEnd + 1);
    const [oldMode = "", newMode = "", , , status = ""] = out.toString("latin1", at + 1, headEnd).split(" ");
    const entry: Entry = { path: out.toString("utf8", headEnd + 1, pathEnd), status: STATUS[status] ?? "modified" };
    if (oldMode !== NO_MODE) entry.old_mode = oldMode;
    if (newMode !== NO_MODE) entry.new_mode = newMode;
    entries.push(entry);
    at = pathEnd + 1;
  }
  return { entries, patchesAt: out[at] === 0 ? at + 1 : at };
}

const HEADER = Buffer.from("diff --git ");

/** Splits the patches. Content lines begin with a sign or a space, so content never looks like a header. */
function splitPatches(text: Buffer): Buffer[] {
  const starts: number[] = [];
  for (let at = 0; at < text.length;) {
    if (text.subarray(at, at + HEADER.length).equals(HEADER)) starts.push(at);
    const eol = text.indexOf(10, at);
    at = eol < 0 ? text.length : eol + 1;
  }
  return starts.map((start, index) => text.subarray(start, starts[index + 1] ?? text.length));
}

/** A patch from its first hunk on. */
function hunks(patch: Buffer): Buffer {
  const at = patch.indexOf("\n@@ ");
  return at < 0 ? Buffer.alloc(0) : patch.subarray(at + 1);
}

function count(bytes: Buffer): { added: number; removed: number } {
  let [added, removed] = [0, 0];
  for (let at = 0; at < bytes.length;) {
    if (bytes[at] === 43) added += 1;
    if (bytes[at] === 45) removed += 1;
    const eol = bytes.indexOf(10, at);
    at = eol < 0 ? bytes.length : eol + 1;
  }
  return { added, removed };
}
