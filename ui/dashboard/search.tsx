import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { Action } from "../kit/button.tsx";
import { MessageRow } from "../kit/message-row.tsx";
import { Empty } from "../kit/panel.tsx";
import { ApiError, call } from "../lib/api.ts";
import { know, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

const PAGE = 50;
/** Delay after a keystroke before the hive is queried. Milliseconds. */
const QUIET_MS = 150;

/** Messages of the whole history that contain the words, newest first. */
export function SearchResults({ words, who }: { words: string; who: string }): ReactNode {
  const [found, setFound] = useState<{ words: string; ids: readonly number[]; hasMore: boolean; indexing: boolean }>();
  const [error, setError] = useState<string>();
  const known = useHive((state) => state.elsewhere);
  const window = useHive((state) => state.messages);
  const asked = useRef(0);

  useEffect(() => {
    const number = ++asked.current;
    const timer = setTimeout(() => {
      ask(words, who).then(
        ({ messages, indexing, more: isMore }) => {
          // Ignore an answer to an earlier query.
          if (number !== asked.current) return;
          know(messages);
          setError(undefined);
          setFound({ words, ids: messages.map((one) => one.id), hasMore: messages.length === PAGE || isMore === true, indexing });
        },
        (problem: unknown) => setError(problem instanceof ApiError ? problem.message : "the search did not work"),
      );
    }, QUIET_MS);
    return () => clearTimeout(timer);
  }, [words, who]);

  const rows = useMemo(() => {
    const recent = new Map(window.map((one) => [one.id, one]));
    return (found?.ids ?? []).flatMap((id): MessageView[] => {
      const message = recent.get(id) ?? known.get(id);
      return message ? [message] : [];
    });
  }, [found, known, window]);
  const more = async (): Promise<void> => {
    const last = found?.ids.at(-1);
    if (!found || last === undefined) return;
    const { messages, indexing, more: isMore } = await ask(found.words, who, last);
    know(messages);
    setFound({
      ...found,
      ids: [...found.ids, ...messages.map((one) => one.id)],
      hasMore: messages.length === PAGE || isMore === true,
      indexing,
    });
  };
  return (
    <div className="scroll found" tabIndex={0} role="group" aria-label="search results">
      <p className="dim small count" role="status">
        {error ?? (found ? countWords(rows.length, found.hasMore) : "searching…")}
        {found?.indexing === true && " · older messages are still being indexed"}
      </p>
      {found && rows.length === 0 && (
        <Empty>
          No message has {who === "" ? "" : `to do with ${visible(who)} and has `}all of these words. Each counts from its
          beginning: <code>craw</code> finds crawler.
        </Empty>
      )}
      {rows.map((message) => (
        <MessageRow key={message.id} message={message} marks={words} />
      ))}
      {found?.hasMore === true && (
        <Action kind="ghost" run={more}>
          older
        </Action>
      )}
    </div>
  );
}

function ask(words: string, who: string, before?: number) {
  return call("search", {
    words,
    limit: PAGE,
    ...(who === "" ? {} : { agent: who }),
    ...(before === undefined ? {} : { before }),
  });
}

function countWords(count: number, hasMore: boolean): string {
  if (hasMore) return `the newest ${count}`;
  return count === 1 ? "1 message" : `${count} messages`;
}
