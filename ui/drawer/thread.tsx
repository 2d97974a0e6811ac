import { useEffect, useMemo, useState, type ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { MessageRow } from "../kit/message-row.tsx";
import { Empty } from "../kit/panel.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { messageById } from "../lib/state.ts";
import { know, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Maximum steps back to the beginning of a thread. */
const MAX_ANCESTORS = 30;

/** The messages that this one answers, back to the first, and the known answers to it. */
export function Thread({ id }: { id: number }): ReactNode {
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  const [isMissing, setMissing] = useState(false);
  const { ancestors, missing } = useMemo(() => {
    const found: MessageView[] = [];
    let next: number | undefined = id;
    for (let n = 0; n < MAX_ANCESTORS && next !== undefined; n++) {
      const message: MessageView | undefined = messageById({ messages, elsewhere }, next);
      if (!message) return { ancestors: found, missing: next };
      found.unshift(message);
      next = message.in_reply_to;
    }
    return { ancestors: found, missing: undefined };
  }, [id, messages, elsewhere]);
  useEffect(() => {
    if (missing === undefined) return;
    call("messages", { before: missing + 1, limit: 1 }).then(
      ({ messages: [message] }) => (message?.id === missing ? know([message]) : setMissing(true)),
      () => setMissing(true), // Shown as missing.
    );
  }, [missing]);
  const answers = useMemo(() => {
    const family = new Set([id]);
    // Oldest first: an answer comes after its message.
    return [...[...elsewhere.values()].filter((one) => one.id > id), ...messages]
      .sort((a, b) => a.id - b.id)
      .filter(
        (one, n, all) =>
          one.id !== all[n - 1]?.id && one.in_reply_to !== undefined && family.has(one.in_reply_to) && family.add(one.id),
      );
  }, [id, messages, elsewhere]);
  const message = messageById({ messages, elsewhere }, id);
  if (!message) return <Empty>{isMissing ? `There is no message ${id}.` : "loading…"}</Empty>;
  return (
    <div className="thread">
      {[...ancestors, ...answers].map((one, n, all) => (
        <div key={one.id} className={one.id === id ? "this" : ""}>
          <MessageRow message={one} previous={all[n - 1]} />
        </div>
      ))}
      <dl className="facts small">
        <dt>message</dt>
        <dd>
          {message.id}, {message.hops === 1 ? "1 hop" : `${message.hops} hops`} into chain {message.chain}
        </dd>
        <dt>state</dt>
        <dd>
          {message.state} since <Age since={message.updated_at} />
          {message.redelivered && ", delivered again"}
          {message.failures > 0 && `, failed ${message.failures} times`}
        </dd>
        {message.reason && (
          <>
            <dt>reason</dt>
            <dd>{visible(message.reason)}</dd>
          </>
        )}
      </dl>
    </div>
  );
}
