import { piecesOf, readable, written } from "../../src/wire/unseen.ts";

/**
 * Text of agents with hidden characters made visible: those that steer a terminal, reorder a line or hide text.
 * Newlines and tabs stay, and line ends of other systems become newlines.
 */
export const visible = readable;

/** The same in pieces, so that hidden characters can be marked. A carriage return at the end of a line counts as one. */
export function visiblePieces(text: string): { text: string; wasHidden: boolean }[] {
  return piecesOf(text).map((piece) =>
    piece.unseen === undefined ? { text: piece.text, wasHidden: false } : { text: written(piece.text), wasHidden: true },
  );
}

/** Finds links in a text: http and https only. Everything else stays text. */
export function parts(text: string): { text: string; href?: string }[] {
  const found: { text: string; href?: string }[] = [];
  let at = 0;
  for (const match of text.matchAll(/https?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}]/g)) {
    // An invalid URL stays text.
    if (!URL.canParse(match[0])) continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: match[0], href: match[0] });
    at = match.index + match[0].length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}

/** A duration in its two largest units: `14s`, `1m 12s`, `2h 5m`, `3d 4h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (ms < 950 && ms > 0) return `${Math.round(ms)}ms`;
  if (seconds < 60) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes}m${seconds % 60 ? ` ${seconds % 60}s` : ""}`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return `${hours}h${minutes % 60 ? ` ${minutes % 60}m` : ""}`;
  return `${Math.floor(hours / 24)}d${hours % 24 ? ` ${hours % 24}h` : ""}`;
}

/** The same in one rounded unit, for ages that tick. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** `847`, `18.2 k`, `1.24 M`. */
export function count(n: number): string {
  if (n < 1000) return String(n);
  if (n < 1_000_000) return `${trim(n / 1000)} k`;
  return `${trim(n / 1_000_000)} M`;
}
function trim(n: number): string {
  return n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2);
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (n: number): string => String(n).padStart(2, "0");
// Formatted manually: the browser's locale tables take longer to load than all rows of a page take to draw.
const timeOf = (at: Date): string => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

/** `12:31:07` in the operator's time zone, with the day if it is not today. */
export function clock(iso: string, now: Date = new Date()): string {
  const at = new Date(iso);
  const time = timeOf(at);
  return at.toDateString() === now.toDateString() ? time : `${at.getDate()} ${MONTHS[at.getMonth()]} ${time.slice(0, 5)}`;
}

/** `14:05` in the operator's time zone. */
export const minute = (iso: string): string => timeOf(new Date(iso)).slice(0, 5);

/** `2026-11-25 12:31:07` in the operator's time zone, for the tooltip of an age. */
export function moment(iso: string): string {
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${timeOf(at)}`;
}
