import { useNavigate, useSearch } from "@tanstack/react-router";
import { useLayoutEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { Compose, type Suggestion } from "../kit/compose.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Clock } from "../kit/time.tsx";
import { toast } from "../kit/toast.tsx";
import { call } from "../lib/api.ts";
import { addressed } from "../lib/addressed.ts";
import { loadOlderMessages, useHive } from "../lib/store.ts";

/** Rows that are in the page at once; the rest comes back by scrolling. */
const SHOWN = 300;
/** Pixels from the end that still count as the end. */
const NEAR = 24;
/** Fewer messages than the snapshot brings are all that there are. */
const OLDER_FROM = 100;
const RECIPIENT = "recipient";

/** Who says what to whom, live, and the box to write in. */
export function MessageFlow(): ReactNode {
  const all = useHive((state) => state.messages);
  const agents = useHive((state) => state.agents);
  const [filter, setFilter] = useState("");
  const [words, setWords] = useState("");
  const [shown, setShown] = useState(SHOWN);
  const names = [...agents.values()].filter((agent) => !agent.destroyed).map((agent) => agent.name);
  const messages = useMemo(() => {
    const needle = words.trim().toLowerCase();
    return all.filter(
      (message) =>
        (filter === "" || message.from === filter || message.to === filter || message.from.startsWith(`${filter}/`)) &&
        (needle === "" ||
          message.body?.toLowerCase().includes(needle) === true ||
          message.from.includes(needle) ||
          message.to.includes(needle)),
    );
  }, [all, filter, words]);
  const rows = messages.slice(-shown);

  // Stays at the end while the reader is there, and where the reader is otherwise.
  const list = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const lastId = rows.at(-1)?.id;
  useLayoutEffect(() => {
    if (list.current && isAtEnd.current) list.current.scrollTop = list.current.scrollHeight;
  }, [lastId, filter, words]);

  return (
    <Panel
      leet="M3SS4GE FL0W"
      label="message flow"
      className="fill"
      actions={
        <>
          <select aria-label="show only messages of" value={filter} onChange={(event) => setFilter(event.target.value)}>
            <option value="">everybody</option>
            {["operator", "system", ...names].map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
          <input
            className="search"
            type="search"
            aria-label="search messages"
            placeholder="search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
          />
        </>
      }
    >
      <div
        ref={list}
        className="scroll log"
        role="log"
        aria-label="messages"
        tabIndex={0}
        onScroll={({ currentTarget: at }) => {
          isAtEnd.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR;
        }}
      >
        {messages.length === 0 && (
          <Empty>
            {all.length === 0 ? (
              <>
                Nobody has said anything. Write <code>hello</code> below, or <code>tour</code> for a look around.
              </>
            ) : (
              "No message fits."
            )}
          </Empty>
        )}
        {messages.length >= OLDER_FROM && (
          <button
            type="button"
            className="ghost older"
            onClick={() => {
              if (messages.length > shown) return setShown(shown + SHOWN);
              void loadOlderMessages(filter || undefined).then((some) =>
                some ? setShown(shown + SHOWN) : toast("that is all there is"),
              );
            }}
          >
            older
          </button>
        )}
        {rows.map((message) => (
          <Message key={message.id} message={message} isReply={message.in_reply_to !== undefined} />
        ))}
      </div>
      <FlowCompose names={names} />
    </Panel>
  );
}

const STATES: Record<MessageView["state"], { words: string; colour: string }> = {
  queued: { words: "queued", colour: "dim" },
  leased: { words: "in turn", colour: "amber" },
  done: { words: "done", colour: "green" },
  dead: { words: "dead", colour: "red" },
  dropped: { words: "dropped", colour: "faint" },
  held: { words: "held", colour: "amber" },
};

function Message({ message, isReply }: { message: MessageView; isReply: boolean }): ReactNode {
  const { words, colour } =
    message.state === "queued" && message.redelivered ? { words: "returned", colour: "amber" } : STATES[message.state];
  return (
    <article className={`msg ${isReply ? "re" : ""}`} id={`m${message.id}`}>
      <span className="faint">
        <Clock at={message.created_at} />
      </span>
      <span>
        <Who name={message.from} /> <span className="faint">→</span> <Who name={message.to} />
        {message.in_reply_to !== undefined && (
          <a className="faint ref" href={`#m${message.in_reply_to}`} aria-label={`answers message ${message.in_reply_to}`}>
            {" "}
            ↰{message.in_reply_to}
          </a>
        )}
      </span>
      <span className={colour} title={message.reason}>
        {words}
      </span>
      <div className="b">
        <MessageBody body={message.body} />
      </div>
    </article>
  );
}

/** The compose box: `@name` chooses whom to write to, and stays chosen. */
function FlowCompose({ names }: { names: string[] }): ReactNode {
  const [recipient, setRecipient] = useState(() => sessionStorage.getItem(RECIPIENT) ?? "hm1nd");
  const { with: reply } = useSearch({ from: "/" });
  const navigate = useNavigate();
  const [replyName, replyId] = reply?.split(":") ?? [];
  const to = replyName ?? recipient;

  const suggest = (text: string): Suggestion[] => {
    const typed = /^@([a-z0-9-]*)$/.exec(text)?.[1];
    if (typed === undefined) return [];
    return [...names, "*"]
      .filter((name) => name.startsWith(typed))
      .map((name) => ({ text: `@${name} `, label: `@${name}`, hint: name === "*" ? "everybody" : "" }));
  };
  const send = async (text: string): Promise<void> => {
    const draft = addressed(text, to);
    if (draft.body === "") {
      choose(draft.to);
      return;
    }
    const isReply = replyName !== undefined && draft.to === replyName;
    await call("send", {
      to: draft.to,
      body: draft.body,
      client_id: crypto.randomUUID(),
      ...(isReply && replyId ? { in_reply_to: Number(replyId) } : {}),
    });
    choose(draft.to);
  };
  const choose = (name: string): void => {
    setRecipient(name);
    sessionStorage.setItem(RECIPIENT, name);
    if (reply !== undefined) void navigate({ to: "/", search: (search) => ({ ...search, with: undefined }), replace: true });
  };
  return (
    <Compose
      draftKey="flow"
      label={`message to ${to}`}
      placeholder="message… @ picks another recipient, Enter sends"
      lead={
        <span className="to">
          @{to}
          {replyId && (
            <button type="button" className="ghost" aria-label="do not reply to a message" onClick={() => choose(to)}>
              ↰{replyId} ✕
            </button>
          )}
        </span>
      }
      suggest={suggest}
      send={send}
      focusToken={replyId ? Number(replyId) : 0}
    />
  );
}
