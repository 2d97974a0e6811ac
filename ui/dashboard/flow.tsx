import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { MessageRow } from "../kit/message-row.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useFollowEnd } from "../lib/follow-end.ts";
import { useNarrow } from "../lib/narrow.ts";
import { afterFirstPaint, hasPainted } from "../lib/after-first-paint.ts";
import { know, loadOlderMessages, useHive } from "../lib/store.ts";
import { FlowCompose } from "./flow-compose.tsx";
import { SearchResults } from "./search.tsx";
import { visible } from "../lib/text.ts";

/** Rows in the page at first, and how many are added when the reader scrolls back. */
const SHOWN = 150;
/** Height of the lowest row in pixels. The first paint renders only as many rows as are visible. */
const LOWEST_ROW = 40;
/** Pixels from the top at which older messages are loaded. */
const NEAR_TOP = 200;
/** Messages per page of one agent's history. */
const PAGE = 100;

/** The live messages, and the box to write in. */
export function MessageFlow(): ReactNode {
  const agents = useHive((state) => state.agents);
  const { who = "", q = "" } = useSearch({ from: "/" });
  const navigate = useNavigate();
  const isNarrow = useNarrow();
  const names = useMemo(() => [...agents.values()].filter((agent) => !agent.destroyed).map((agent) => agent.name), [agents]);
  const gone = useMemo(() => [...agents.values()].filter((agent) => agent.destroyed).map((agent) => agent.name), [agents]);
  const set = (next: { who?: string; q?: string }): void =>
    void navigate({
      to: "/",
      search: (search) => ({
        ...search,
        ...Object.fromEntries(Object.entries(next).map(([name, value]) => [name, value || undefined])),
      }),
      replace: true,
    });
  return (
    <Panel
      leet="M3SS4GE FL0W"
      label="message flow"
      className="fill"
      actions={
        <>
          <select aria-label="show only messages of" value={who} onChange={(event) => set({ who: event.target.value })}>
            <option value="">all agents</option>
            {["operator", "system", ...names, ...gone].map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <input
            className="search"
            type="search"
            aria-label="search all messages"
            placeholder={isNarrow ? "search" : "search /"}
            value={q}
            maxLength={200}
            onChange={(event) => set({ q: event.target.value })}
            onKeyDown={(event) => {
              if (event.key !== "Escape") return;
              set({ q: "" });
              event.currentTarget.blur();
            }}
          />
        </>
      }
    >
      {q.trim() === "" ? <Log key={who} who={who} /> : <SearchResults words={q} who={who} />}
      <FlowCompose names={names} />
    </Panel>
  );
}

const isOf = (message: MessageView, who: string): boolean =>
  message.from === who || message.to === who || message.from.startsWith(`${who}/`);

/** The newest messages and, further up, the older ones. Follows the end until the reader scrolls up. */
function Log({ who }: { who: string }): ReactNode {
  const window = useHive((state) => state.messages);
  const moreInWindow = useHive((state) => state.moreMessages);
  const elsewhere = useHive((state) => state.elsewhere);
  const [shown, setShown] = useState(() => (hasPainted() ? SHOWN : Math.ceil(innerHeight / LOWEST_ROW)));
  // For one agent: ids of messages older than the window, and whether there are more.
  const [older, setOlder] = useState<readonly number[]>([]);
  const [isAll, setAll] = useState(false);
  const list = useRef<HTMLDivElement>(null);
  const { keep, onScroll, onWheel } = useFollowEnd(list);
  const isLoading = useRef(false);
  const fromEnd = useRef<number>(undefined);

  const messages = useMemo(() => {
    if (who === "") return window;
    const first = window[0]?.id ?? Number.MAX_SAFE_INTEGER;
    const past = older.filter((id) => id < first).flatMap((id) => elsewhere.get(id) ?? []);
    return [...past, ...window.filter((message) => isOf(message, who))];
  }, [window, elsewhere, older, who]);
  const rows = messages.slice(-shown);
  const hasMore = messages.length > shown || (who === "" ? moreInWindow : moreInWindow && !isAll);
  const lastId = rows.at(-1)?.id;
  const firstId = rows[0]?.id;

  useLayoutEffect(() => {
    const at = list.current;
    if (!at) return;
    if (fromEnd.current !== undefined) {
      // Keep the visible rows in place while older rows are inserted above.
      at.scrollTop = at.scrollHeight - fromEnd.current;
      fromEnd.current = undefined;
    } else keep();
  }, [lastId, firstId, messages, keep]);

  useEffect(() => {
    void afterFirstPaint().then(() => {
      const at = list.current;
      if (!at) return;
      fromEnd.current = at.scrollHeight - at.scrollTop;
      setShown((count) => Math.max(count, SHOWN));
    });
  }, []);

  const load = async (): Promise<void> => {
    const at = list.current;
    if (isLoading.current || !hasMore || !at) return;
    isLoading.current = true;
    try {
      if (messages.length <= shown) {
        if (who === "") await loadOlderMessages();
        else {
          const before = messages[0]?.id;
          const page = await call("messages", { agent: who, limit: PAGE, ...(before === undefined ? {} : { before }) });
          know(page.messages);
          setOlder((ids) => [...new Set([...page.messages.map((message) => message.id), ...ids])].sort((a, b) => a - b));
          if (page.messages.length < PAGE && page.more !== true) setAll(true);
        }
      }
      fromEnd.current = at.scrollHeight - at.scrollTop;
      setShown((count) => count + SHOWN);
    } catch (error) {
      toast(error instanceof ApiError ? error.message : "older messages could not be loaded", "error");
    } finally {
      isLoading.current = false;
    }
  };
  // A short list cannot be scrolled, so load older messages at once.
  const isShort = messages.length < 30 && hasMore;
  useEffect(() => {
    if (isShort) void load();
  });

  return (
    <div
      ref={list}
      className="scroll log"
      role="log"
      aria-label="messages"
      tabIndex={0}
      onWheel={onWheel}
      onScroll={(event) => {
        onScroll(event);
        const at = event.currentTarget;
        if (at.scrollTop < NEAR_TOP && at.scrollHeight > at.clientHeight) void load();
      }}
    >
      {messages.length === 0 && (
        <Empty>
          {who === "" ? (
            <>
              No messages yet. Write <code>hello</code> below, or <code>tour</code> for a look around.
            </>
          ) : (
            `No messages from or to ${visible(who)}.`
          )}
        </Empty>
      )}
      {hasMore && (
        <button type="button" className="ghost older" onClick={() => void load()}>
          older
        </button>
      )}
      {rows.map((message, n) => (
        <MessageRow key={message.id} message={message} previous={rows[n - 1]} />
      ))}
    </div>
  );
}
