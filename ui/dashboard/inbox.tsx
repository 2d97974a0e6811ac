import { useNavigate } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { Action } from "../kit/button.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";

/** Messages that the panel shows; the flow beside it has all of them. */
const SHOWN = 50;

/** What agents have written to the operator, newest first; what is not read is marked. */
export function OperatorInbox(): ReactNode {
  const messages = useHive((state) => state.messages);
  const hive = useHive((state) => state.hive);
  const navigate = useNavigate();
  const mine = messages
    .filter((message) => message.to === "operator")
    .slice(-SHOWN)
    .reverse();
  const newest = mine[0];
  const unread = hive.operator_unread;
  return (
    <Panel
      leet="0PER4T0R 1NB0X"
      label="operator inbox"
      note={unread > 0 ? `${unread} unread` : ""}
      className="fill inbox"
      actions={
        newest &&
        unread > 0 && (
          <Action kind="ghost" run={() => call("mark_read", { up_to: newest.id }).then(() => undefined)}>
            mark read
          </Action>
        )
      }
    >
      <div className="scroll" role="list">
        {mine.length === 0 && <Empty>Agents write to you here. Say hello to hm1nd, and it answers.</Empty>}
        {mine.map((message) => (
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
            </div>
            <MessageBody body={message.body} />
          </article>
        ))}
      </div>
    </Panel>
  );
}
