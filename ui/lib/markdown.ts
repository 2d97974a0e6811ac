/**
 * Parses the small subset of Markdown that models write all the time. Anything else stays text as it was written;
 * nothing is dropped.
 */
export type Inline = { kind: "text" | "code" | "strong" | "em"; text: string };
export type Block =
  | { kind: "code"; text: string; language: string }
  | { kind: "heading"; inlines: Inline[] }
  | { kind: "item"; bullet: string; depth: number; inlines: Inline[] }
  | { kind: "quote"; inlines: Inline[] }
  | { kind: "rule" }
  | { kind: "line"; inlines: Inline[] };

const INLINE = /`([^`\n]+)`|\*\*(\S(?:[^\n]*?\S)?)\*\*|(?<![\w*])\*(\S(?:[^*\n]*?\S)?)\*(?![\w*])/g;

export function inlines(text: string): Inline[] {
  const found: Inline[] = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    if (match.index > at) found.push({ kind: "text", text: text.slice(at, match.index) });
    const [, code, strong, em] = match;
    if (code !== undefined) found.push({ kind: "code", text: code });
    else if (strong !== undefined) found.push({ kind: "strong", text: strong });
    else found.push({ kind: "em", text: em ?? "" });
    at = match.index + match[0].length;
  }
  if (at < text.length || found.length === 0) found.push({ kind: "text", text: text.slice(at) });
  return found;
}

export function blocks(text: string): Block[] {
  const found: Block[] = [];
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const fence = /^\s*(`{3,}|~{3,})\s*([\w+-]*)\s*$/.exec(line);
    if (fence) {
      const open = fence[1] ?? "";
      // A line with anything after the marks is code, not the end of it.
      const close = lines.findIndex((one, n) => n > at && isRun(one.trim(), open));
      // A fence that is still open (text that is being written) extends to the end.
      const end = close < 0 ? lines.length : close;
      found.push({ kind: "code", language: fence[2] ?? "", text: lines.slice(at + 1, end).join("\n") });
      at = end;
      continue;
    }
    const heading = /^#{1,6}\s+(.*\S)\s*$/.exec(line);
    const item = /^(\s*)([-*+]|\d{1,3}[.)])\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    if (heading) found.push({ kind: "heading", inlines: inlines(heading[1] ?? "") });
    else if (/^\s*(?:-{3,}|\*{3,}|_{3,})\s*$/.test(line)) found.push({ kind: "rule" });
    else if (item)
      found.push({
        kind: "item",
        depth: Math.min(6, Math.floor((item[1] ?? "").length / 2)),
        bullet: /\d/.test(item[2] ?? "") ? (item[2] ?? "") : "•",
        inlines: inlines(item[3] ?? ""),
      });
    else if (quote) found.push({ kind: "quote", inlines: inlines(quote[1] ?? "") });
    else found.push({ kind: "line", inlines: inlines(line) });
  }
  return found;
}

/** True for a line that only repeats the mark of an opening fence, at least as often. */
function isRun(line: string, open: string): boolean {
  return line.startsWith(open) && line === (open[0] ?? "").repeat(line.length);
}
