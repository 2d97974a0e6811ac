import { EMPTY_TREE, GitError } from "../../os/git/git.ts";
import { collect } from "../../os/run-bytes.ts";
import type { ChangeRecord } from "../../store/changes.ts";
import type { Sha } from "../../wire/approval.ts";
import type { Scratch } from "../git/worker.ts";

/**
 * Part of a script. Prints what a proposal was shown to change, what its merge changes, and what its base has changed
 * since: three lists of `git diff-tree --raw -z`, each with `!` at its end. Its input has a line for each merge: the merge
 * base, the proposed commit, the tip, the result. If one of them is not there it prints `?` instead.
 */
export const LISTS = `
list() { git diff-tree -r --raw -z --no-renames --no-abbrev "$1" "$2"; printf '!'; }
has() { for one; do git cat-file -e "$one" 2> /tmp/missing || return 1; done; }
while read -r from shown tip result; do
  if ! has "$from" "$shown" "$tip" "$result"; then printf '?'; continue; fi
  list "$from" "$shown"
  list "$tip" "$result"
  list "$from" "$tip"
done
`;
/** Bytes of the lists: those of the largest change, beside a base that has moved far. */
export const MAX_LIST_BYTES = 64 * 1024 * 1024;
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
 * Compares the result of a merge with what was shown, from what `LISTS` has printed of it. A reviewer sees the difference
 * between the merge base and the proposed commit; the history in between is the agent's, and a merge reads it: what a merge
 * commit undid comes back in a rebase, and a rename that was undone leads an edit to another file. So the result may change
 * only paths that were shown, and to the content that was shown, unless the base has changed the same file since.
 */
export function effectOf(row: ChangeRecord, listed: Buffer): MergeEffect {
  const effect = effectFrom(new Lists(listed));
  if (effect === undefined) throw new GitError(`a commit of change ${row.id} is missing`);
  return effect;
}

/** As `effectOf`, for several merges that were made before. Undefined for one whose commits are not all there. */
export async function effectsOf(
  scratch: Scratch,
  merges: readonly { row: ChangeRecord; tip: Sha | undefined; commit: Sha }[],
): Promise<(MergeEffect | undefined)[]> {
  const input = merges.map(({ row, tip, commit }) => `${endsOf(row, tip).join(" ")} ${commit}\n`).join("");
  const ended = await collect(scratch.start(`set -eu${LISTS}`, []), { input, maxBytes: MAX_LIST_BYTES, timeoutMs: LIST_MS });
  if (ended.code !== 0 || ended.tooMuch) throw new GitError(`git diff-tree: ${ended.stderr.trim() || "it printed too much"}`);
  const lists = new Lists(ended.stdout);
  return merges.map(() => effectFrom(lists));
}

/** What a line of the input of `LISTS` begins with: all but the result. */
export const endsOf = (row: ChangeRecord, tip: Sha | undefined): string[] => [
  row.merge_base ?? EMPTY_TREE,
  row.sha,
  tip ?? EMPTY_TREE,
];

/** The next of the merges. Undefined if one of its commits is not there. */
function effectFrom(lists: Lists): MergeEffect | undefined {
  if (lists.isMissing()) return undefined;
  const [shown, result, since] = [lists.next(), lists.next(), lists.next()];
  const surprises = [...result].filter(([path, now]) => {
    const wanted = shown.get(path);
    return wanted === undefined || (wanted !== now && !since.has(path));
  });
  return { paths: [...result.keys()].map(asText), surprises: surprises.map(([path]) => asText(path)) };
}

const asText = (path: string): string => Buffer.from(path, "latin1").toString("utf8");

/** Reads what the script has printed, from its beginning to its end. */
class Lists {
  readonly #out: Buffer;
  #at = 0;

  constructor(out: Buffer) {
    this.#out = out;
  }

  /** True, and passes it over, if the next merge is not there. */
  isMissing(): boolean {
    if (this.#out[this.#at] !== MISSING) return false;
    this.#at += 1;
    return true;
  }

  next(): Changed {
    const out = this.#out;
    const list: Changed = new Map();
    while (out[this.#at] === ENTRY) {
      const headEnd = out.indexOf(0, this.#at);
      const pathEnd = out.indexOf(0, headEnd + 1);
      const [, mode = "", , sha = ""] = out.toString("latin1", this.#at, headEnd).split(" ");
      // Not UTF-8: two names that differ only in bytes that are none stay two.
      list.set(out.toString("latin1", headEnd + 1, pathEnd), `${mode} ${sha}`);
      this.#at = pathEnd + 1;
    }
    if (out[this.#at] !== END) throw new Error("git printed another list of changed files than expected");
    this.#at += 1;
    return list;
  }
}

/** What begins an entry, ends a list, and stands for a merge that is not there. */
const [ENTRY = 0, END = 0, MISSING = 0] = Buffer.from(":!?");
