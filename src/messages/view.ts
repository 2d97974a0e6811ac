import type { MessageRow } from "../store/messages.ts";
import { instant } from "../wire/instant.ts";
import type { LeasedMessage, MessageView } from "../wire/message.ts";

/** The sender's name; `<agent>/<label>` for a program in a cage, so that it can never look like another principal. */
export function senderName(row: Pick<MessageRow, "sender" | "label">, nameOf: (id: string) => string): string {
  const name = nameOf(row.sender);
  return row.label === null ? name : `${name}/${row.label}`;
}

export function messageView(row: MessageRow, nameOf: (id: string) => string): MessageView {
  const view: MessageView = {
    id: row.id,
    seq: row.seq,
    from: senderName(row, nameOf),
    to: nameOf(row.recipient),
    chain: row.chain,
    hops: row.hops,
    state: row.state,
    redelivered: row.redelivered === 1,
    failures: row.failures,
    created_at: instant(row.created_at),
    updated_at: instant(row.updated_at),
  };
  if (row.body !== null) view.body = row.body;
  if (row.in_reply_to !== null) view.in_reply_to = row.in_reply_to;
  if (row.reason !== null) view.reason = row.reason;
  return view;
}

export function leasedMessage(row: MessageRow, nameOf: (id: string) => string): LeasedMessage {
  const message: LeasedMessage = {
    id: row.id,
    from: senderName(row, nameOf),
    body: row.body ?? "",
    redelivered: row.redelivered === 1,
    created_at: instant(row.created_at),
  };
  if (row.in_reply_to !== null) message.in_reply_to = row.in_reply_to;
  return message;
}
