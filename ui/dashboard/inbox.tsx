import { useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { afterFirstPaint } from "../lib/after-first-paint.ts";
import { know, useHive } from "../lib/store.ts";

/** Messages in the panel, and how many are added at a time. */
const PAGE = 50;

/** Messages to the operator, newest first. Unread ones are marked. */
export function OperatorInbox(): ReactNode {
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  const hive = useHive((state) => state.hive);
  const navigate = useNavigate();
  const [shown, setShown] = useState(PAGE);
  const [isAll, setAll] = useState(false);
  // In a busy hive the window of the newest messages has few of the operator's own.
  useEffect(() => {
    afterFirstPaint()
      .then(() => call("inbox", { limit: PAGE }))
      .then(
        ({ messages: newest, more: isMore }) => {
          know(newest);
          if (newest.length < PAGE && isMore !== true) setAll(true);
        },
        () => {}, // The inbox shows what the page has; `older` fetches again.
      );
  }, []);
  const mine = useMemo(() => {
    const byId = new Map([...elsewhere.values(), ...messages].filter((one) => one.to === "operator").map((one) => [one.id, one]));
    return [...byId.values()].sort((a, b) => b.id - a.id);
  }, [messages, elsewhere]);
  const newest = mine[0];
  const unread = hive.operator_unread;
  const more = async (): Promise<void> => {
    const last = mine.at(-1);
    if (mine.length <= shown && last) {
      const older = await call("inbox", { limit: PAGE, before: last.id });
      know(older.messages);
      if (older.messages.length < PAGE && older.more !== true) setAll(true);
    }
    setShown(shown + PAGE);
  };
  return (
    <Panel
      leet="0PER4T0R 1NB0X"
      label="operator inbox"
      note={unread > 0 ? `${unread} unread` : ""}
      className="fill inbox"
      actions={
        newest &&
        unread > 0 && (
          <Allowed to="mark_read">
            <Action kind="ghost" run={() => call("mark_read", { up_to: newest.id }).then(() => "marked as read")}>
              mark read
            </Action>
          </Allowed>
        )
      }
    >
      <div className="scroll" tabIndex={0} role="group" aria-label="messages to you">
        {mine.length === 0 && <Empty>No messages to you yet. Write to hm1nd, and it answers here.</Empty>}
        <div role={mine.length > 0 ? "list" : undefined}>
          {mine.slice(0, shown).map((message) => (
            <article key={message.id} role="listitem" className={`row ${message.id > hive.read_up_to ? "unread" : ""}`}>
              <div className="l1">
                {message.id > hive.read_up_to && (
                  <span className="dot amber">
                    <span className="sr">unread</span>
                  </span>
                )}
                <Who name={message.from} />
                <span className="faint">
                  <Age since={message.created_at} />
                </span>
                <span className="grow" />
                <Allowed to="send">
                  <button
                    type="button"
                    className="ghost acts"
                    onClick={() => {
                      const name = message.from.split("/")[0] ?? message.from;
                      void navigate({ to: "/", search: (search) => ({ ...search, tab: "flow", with: `${name}:${message.id}` }) });
                    }}
                  >
                    reply
                  </button>
                </Allowed>
              </div>
              <MessageBody message={message} />
            </article>
          ))}
        </div>
        {mine.length > 0 && !(isAll && mine.length <= shown) && (
          <Action kind="ghost" run={more}>
            older
          </Action>
        )}
      </div>
    </Panel>
  );
}
