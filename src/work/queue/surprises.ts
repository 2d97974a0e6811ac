import { EMPTY_TREE, GitError } from "../../os/git/git.ts";
import { collect } from "../../os/run-bytes.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import type { Sha } from "../../wire/approval.ts";
import type { Scratch } from "../git/worker.ts";

/**
 * Prints what a proposal was shown to change, what its merge changes, and what its base has changed since: three lists of
 * `git diff-tree --raw -z`, each with `!` at its end. Arguments: the merge base, the proposed commit, the tip, the result.
 */
const SCRIPT = `
set -eu
list() { git diff-tree -r --raw -z --no-renames --no-abbrev "$1" "$2"; printf '!'; }
list "$1" "$2"
list "$3" "$4"
list "$1" "$3"
`;
/** Bytes of the three lists: those of the largest change, beside a base that has moved far. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** Time for them. Milliseconds. */
const LIST_MS = 60_000;

/** The new state of each changed path: mode and object, the same text for the same content. */
type Changed = Map<string, string>;

/** What a merge does to the files of its base. */
export interface MergeEffect {
  /** Every path that it changes. */
  paths: string[];
  /** Those that it changes in a way that the proposal did not show. */
  surprises: string[];
}

/**
 * Compares the result of a merge with what was shown. A reviewer sees the difference between the merge base and the
 * proposed commit; the history in between is the agent's, and a merge reads it: what a merge commit undid comes back in a
 * rebase, and a rename that was undone leads an edit to another file. So the result may change only paths that were
 * shown, and to the content that was shown, unless the base has changed the same file since.
 */
export async function effectOf(scratch: Scratch, row: ChangeRecord, tip: Sha | undefined, commit: Sha): Promise<MergeEffect> {
  const args = [row.merge_base ?? EMPTY_TREE, row.sha, tip ?? EMPTY_TREE, commit];
  const ended = await collect(scratch.start(SCRIPT, args), { maxBytes: MAX_LIST_BYTES, timeoutMs: LIST_MS });
  if (ended.code !== 0 || ended.tooMuch) throw new GitError(`git diff-tree: ${ended.stderr.trim() || "it printed too much"}`);
  const [shown, result, since] = readLists(ended.stdout);
  const surprises = [...result].filter(([path, now]) => {
    const wanted = shown.get(path);
    return wanted === undefined || (wanted !== now && !since.has(path));
  });
  return { paths: [...result.keys()].map(asText), surprises: surprises.map(([path]) => asText(path)) };
}

const asText = (path: string): string => Buffer.from(path, "latin1").toString("utf8");

function readLists(out: Buffer): [Changed, Changed, Changed] {
  const lists: Changed[] = [];
  let at = 0;
  for (let n = 0; n < 3; n++) {
    const list: Changed = new Map();
    while (out[at] === 58) {
      const headEnd = out.indexOf(0, at);
      const pathEnd = out.indexOf(0, headEnd + 1);
      const [, mode = "", , sha = ""] = out.toString("latin1", at, headEnd).split(" ");
      // Not UTF-8: two names that differ only in bytes that are none stay two.
      list.set(out.toString("latin1", headEnd + 1, pathEnd), `${mode} ${sha}`);
      at = pathEnd + 1;
    }
    if (out[at] !== 33) throw new Error("git printed another list of changed files than expected");
    at += 1;
    lists.push(list);
  }
  return lists as [Changed, Changed, Changed];
}
