import { useMemo, useState } from "react";
import type { CommentView } from "../../src/wire/work.ts";
import { call } from "../lib/api.ts";
import type { CommentActs } from "./comment.tsx";
import { notIn, withMine, type Mine } from "./comments.ts";

/** Characters of the code that a comment quotes, as the contract limits them. */
const MAX_QUOTE_CHARS = 1_024;

/** The comments of a change: those of its last answer, with what this page has done since. */
export function useComments(
  change: number,
  fetched: readonly CommentView[],
): { comments: readonly CommentView[]; acts: CommentActs } {
  const [mine, setMine] = useState<{ of: readonly CommentView[]; list: Mine }>({ of: fetched, list: new Map() });
  if (mine.of !== fetched) setMine({ of: fetched, list: notIn(fetched, mine.list) });
  const comments = useMemo(() => withMine(fetched, mine.list), [fetched, mine.list]);
  const acts = useMemo((): CommentActs => {
    const put = (id: number, comment: CommentView | undefined): void =>
      setMine((now) => ({ of: now.of, list: new Map(now.list).set(id, comment) }));
    return {
      keep: async (text, place) => {
        const at = place && { ...place, quote: place.quote.slice(0, MAX_QUOTE_CHARS) };
        const { comment } = await call("change_comment", { change, text, ...at });
        put(comment.id, comment);
      },
      drop: async ({ id }) => {
        await call("change_comment_drop", { comment: id });
        put(id, undefined);
      },
      resolve: async ({ id }, resolved) => {
        const { comment } = await call("change_comment_resolve", { comment: id, resolved });
        put(id, comment);
      },
    };
  }, [change]);
  return { comments, acts };
}
