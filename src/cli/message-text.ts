import { hivectl } from "../lib/hivectl.ts";
import type { MessageView } from "../wire/message.ts";
import { systemWords } from "../wire/system-event.ts";
import { age, clean, indented, type View } from "./print.ts";
import { reflow } from "./wrap.ts";

/** The state of a message in words; empty when it is done. */
export const MESSAGE_STATES: Readonly<Record<MessageView["state"], string>> = {
  queued: "queued",
  leased: "in turn",
  done: "",
  dead: "dead",
  dropped: "dropped",
  held: "held",
};

/** Indentation of a body under its sender and recipient. */
const INDENT = 2;

/** The body of a message. An event of the daemon is put into words. */
export function bodyOf(message: MessageView): string {
  const body = message.body ?? "(removed by retention)";
  return systemWords(message.from, body) ?? body;
}

/** A message for the terminal. */
export function messageText(message: MessageView, { now, paint, width }: View, isUnread = false): string {
  const state = MESSAGE_STATES[message.state];
  const reply = message.in_reply_to === undefined ? "" : paint("dim", ` ↰${message.in_reply_to}`);
  const head = `${isUnread ? paint("amber", "● ") : ""}${paint("bold", clean(message.from))} → ${clean(message.to)} ${paint("dim", `#${message.id} · ${age(message.created_at, now)} ago`)}${reply}${state ? ` ${paint("amber", state)}` : ""}`;
  const hint = message.cut === true ? `\n${indented(reflow(paint("dim", cutWords(message)), width - INDENT))}` : "";
  return `${reflow(head, width, INDENT)}\n${indented(reflow(clean(bodyOf(message)), width - INDENT))}${hint}`;
}

const cutWords = ({ id, body_bytes: bytes }: MessageView): string =>
  `… the beginning${bytes === undefined ? "" : ` of ${bytes} bytes`}: ${hivectl(`message ${id}`)} prints the whole`;
