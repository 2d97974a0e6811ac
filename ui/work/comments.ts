import type { DiffFile } from "../../src/wire/approval.ts";
import type { CommentView } from "../../src/wire/work.ts";
import { placeKey } from "../diff/place.ts";

/** Comments that this page has made, changed or (undefined) dropped, and that its last answer may not have yet. */
export type Mine = ReadonlyMap<number, CommentView | undefined>;

/** The fetched comments with those of this page, in the order in which they were written. */
export function withMine(fetched: readonly CommentView[], mine: Mine): CommentView[] {
  const known = new Set(fetched.map(({ id }) => id));
  const kept = fetched.flatMap((one) => (mine.has(one.id) ? (mine.get(one.id) ?? []) : one));
  const added = [...mine.values()].filter((one) => one !== undefined && !known.has(one.id));
  return [...kept, ...added].filter((one) => one !== undefined).sort((a, b) => a.id - b.id);
}

/** What stays of this page's comments once an answer has come: those that it does not have, and those that were dropped. */
export function notIn(fetched: readonly CommentView[], mine: Mine): Mine {
  const known = new Set(fetched.map(({ id }) => id));
  return new Map([...mine].filter(([id, one]) => one === undefined || !known.has(id)));
}

/** Comments by the file that they are shown in. */
export interface Placed {
  byFile: ReadonlyMap<string, readonly CommentView[]>;
  /** Those on the whole change, and on files that the diff does not have. */
  general: readonly CommentView[];
}

/** Sorts the comments of a change to the files of its diff. */
export function placed(comments: readonly CommentView[], files: readonly Pick<DiffFile, "path">[]): Placed {
  const paths = new Set(files.map(({ path }) => path));
  const byFile = new Map<string, CommentView[]>();
  const general: CommentView[] = [];
  for (const comment of comments) {
    if (comment.path === undefined || !paths.has(comment.path)) general.push(comment);
    else byFile.set(comment.path, [...(byFile.get(comment.path) ?? []), comment]);
  }
  return { byFile, general };
}

/**
 * The line that a comment stands under, as a key of its file; undefined if it stands above the lines. A line of the old
 * file has this number only against the merge base, and an outdated comment names a line that has changed.
 */
export function keyOf({ line, side, outdated }: CommentView, isAgainstMergeBase: boolean): string | undefined {
  if (outdated || line === undefined || side === undefined || (side === "old" && !isAgainstMergeBase)) return undefined;
  return placeKey({ side, line });
}

/** Comments that have something to read or to do: all but the resolved ones. */
export const openOnes = (comments: readonly CommentView[]): number => comments.filter(({ state }) => state !== "resolved").length;
