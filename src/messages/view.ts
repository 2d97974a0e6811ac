import { preview } from "../lib/json-bytes.ts";
import type { MessageRow } from "../store/messages.ts";
import { instant } from "../wire/instant.ts";
import { OPERATOR } from "../wire/names.ts";
import { MAX_PREVIEW_BYTES, MAX_REASON_PREVIEW_BYTES } from "../wire/limits.ts";
import type { LeasedMessage, MessageView } from "../wire/message.ts";

/**
 * The sender's name. For a program in a cage it is `<agent>/<label>`, so it cannot look like another principal. Agents
 * know every operator as `operator`.
 */
export function senderName(row: Pick<MessageRow, "sender" | "label">, nameOf: (id: string) => string): string {
  const name = nameOf(row.sender);
  return row.label === null || row.sender === OPERATOR ? name : `${name}/${row.label}`;
}

type Shown = Omit<MessageRow, "body"> & { body: string | null; body_bytes?: number | null };

/**
 * A message as listings, the snapshot and events show it. Of a long body or reason it has only the beginning, marked
 * `cut`.
 */
export function messageView(row: Shown, nameOf: (id: string) => string): MessageView {
  const view = wholeMessage(row, nameOf);
  const body = view.body && preview(view.body, MAX_PREVIEW_BYTES);
  const reason = view.reason && preview(view.reason, MAX_REASON_PREVIEW_BYTES);
  if (body === view.body && reason === view.reason) return view;
  view.cut = true;
  // A listed row has only the beginning of a long body.
  if (view.body !== undefined) view.body_bytes = row.body_bytes ?? Buffer.byteLength(view.body);
  if (body !== undefined) view.body = body;
  if (reason !== undefined) view.reason = reason;
  return view;
}

/** A message with all of its text. */
export function wholeMessage(row: Shown, nameOf: (id: string) => string): MessageView {
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
  if (row.sender === OPERATOR && row.label !== null) view.operator = row.label;
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
