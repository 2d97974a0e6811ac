import type { Token } from "markdown-it";
import { tokensOf } from "./markdown-parser.ts";
import { visible } from "./text.ts";

/** A part of a text that a model wrote. */
export type Part =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "fence"; text: string; info: string }
  | { kind: "rule" }
  /** Without children the address is all that was written. */
  | { kind: "link"; href: string; title: string; children: Part[] }
  | { kind: "list"; isOrdered: boolean; children: Part[] }
  | { kind: "item"; number: number | undefined; children: Part[] }
  | { kind: "cell"; isHead: boolean; align: Align | undefined; span: number; children: Part[] }
  | { kind: Plain; children: Part[] };
type Plain = "paragraph" | "heading" | "quote" | "table" | "row" | "strong" | "em" | "strike";
type Align = "left" | "center" | "right";
type Parent = Extract<Part, { children: Part[] }>;

/** Characters of a text that is parsed. The slowest known text of this length takes half a second on a slow machine. */
const MAX_CHARS = 64 * 1024;
/** Parts of a text. A page with more elements reacts slowly. */
const MAX_PARTS = 10_000;
/** Nesting of elements. Marks of emphasis that are nested deeper stay text. */
const MAX_DEPTH = 24;

const PLAIN: Readonly<Record<string, Plain>> = {
  paragraph_open: "paragraph",
  heading_open: "heading",
  blockquote_open: "quote",
  table_open: "table",
  tr_open: "row",
  strong_open: "strong",
  em_open: "em",
  s_open: "strike",
};
/** Tokens that only group others. */
const GROUPS: ReadonlySet<string> = new Set(["thead_open", "thead_close", "tbody_open", "tbody_close"]);
const MARKS: ReadonlySet<string> = new Set(["strong_open", "strong_close", "em_open", "em_close", "s_open", "s_close"]);

/**
 * Parses Markdown into parts. Every word of the text is in a part; HTML is text, and an image is a link. Unseen
 * characters are written out. A text that is too long or has too many parts is one part, as it was written.
 */
export function partsOf(text: string): Part[] {
  const written = visible(text);
  const asWritten: Part[] = [{ kind: "paragraph", children: [{ kind: "text", text: written }] }];
  if (written.length > MAX_CHARS) return asWritten;
  const build = new Build();
  build.all(tokensOf(written));
  return build.count > MAX_PARTS ? asWritten : build.parts;
}

/** Builds parts from a list of tokens in which opening and closing tokens match. */
class Build {
  readonly parts: Part[] = [];
  count = 0;
  #into: Part[] = this.parts;
  /** What the parts around each open token go into, outermost first. */
  readonly #around: Part[][] = [];
  #row: { source: string; cells: string } | undefined;

  all(tokens: readonly Token[]): void {
    for (const token of tokens) {
      if (token.type === "inline") {
        if (this.#row) this.#row.cells += token.content;
        this.all(token.children ?? []);
      } else if (token.nesting > 0) this.#begin(token);
      else if (token.nesting < 0) this.#end(token);
      else this.#add(leafOf(token));
    }
  }

  #begin(token: Token): void {
    this.#around.push(this.#into);
    const made = this.#isFlat(token, this.#around.length) ? undefined : parentOf(token);
    if (token.type === "tr_open") this.#row = { source: sourceOf(token), cells: "" };
    this.#add(made ?? { kind: "text", text: this.#markOf(token) });
    if (made) this.#into = made.children;
  }

  #end(token: Token): void {
    if (token.type === "tr_close" && this.#row) {
      // Cells that the head of the table has no column for are not among the tokens.
      if (wordsOf(this.#row.source) !== wordsOf(this.#row.cells)) {
        const children: Part[] = [{ kind: "text", text: this.#row.source }];
        this.#into.splice(0, Infinity, { kind: "cell", isHead: false, align: undefined, span: this.#into.length, children });
      }
      this.#row = undefined;
    }
    const depth = this.#around.length;
    const inner = this.#into;
    this.#into = this.#around.pop() ?? this.parts;
    if (this.#isFlat(token, depth)) this.#add({ kind: "text", text: this.#markOf(token) });
    const ended = this.#into.at(-1);
    if (token.type === "link_close" && ended?.kind === "link" && isAddress(inner, ended)) inner.length = 0;
  }

  /** Whether the content of the token belongs to the element around it. */
  #isFlat(token: Token, depth: number): boolean {
    return token.hidden || GROUPS.has(token.type) || (depth > MAX_DEPTH && MARKS.has(token.type));
  }

  #markOf(token: Token): string {
    return MARKS.has(token.type) ? token.markup : "";
  }

  #add(part: Part): void {
    const last = this.#into.at(-1);
    if (part.kind === "text" && last?.kind === "text") last.text += part.text;
    else if (part.kind !== "text" || part.text !== "") {
      this.#into.push(part);
      this.count++;
    }
  }
}

function leafOf(token: Token): Part {
  switch (token.type) {
    case "softbreak":
    case "hardbreak":
      return { kind: "text", text: "\n" };
    case "code_inline":
      return { kind: "code", text: token.content };
    case "code_block":
    case "fence":
      return { kind: "fence", text: token.content.replace(/\n$/, ""), info: token.info.trim() };
    case "hr":
      return { kind: "rule" };
    default:
      return { kind: "text", text: token.content };
  }
}

function parentOf(token: Token): Parent {
  const children: Part[] = [];
  switch (token.type) {
    case "link_open":
      return { kind: "link", href: attribute(token, "href"), title: visible(attribute(token, "title")), children };
    case "bullet_list_open":
    case "ordered_list_open":
      return { kind: "list", isOrdered: token.type === "ordered_list_open", children };
    case "list_item_open":
      return { kind: "item", number: token.info === "" ? undefined : Number(token.info), children };
    case "th_open":
    case "td_open":
      return { kind: "cell", isHead: token.type === "th_open", align: alignOf(token), span: 1, children };
    default:
      return { kind: PLAIN[token.type] ?? "paragraph", children };
  }
}

/** True if a link shows its own address. The parser escapes characters of an address, and not those of its text. */
function isAddress([only, ...more]: readonly Part[], { href, title }: { href: string; title: string }): boolean {
  if (only?.kind !== "text" || more.length > 0 || title !== "") return false;
  const address = href.replace(/^mailto:/, "");
  return [href, address, unescaped(address)].includes(only.text);
}

function unescaped(address: string): string {
  try {
    return decodeURI(address);
  } catch {
    // A percent sign that escapes nothing.
    return address;
  }
}

const attribute = (token: Token, name: string): string => String(token.attrGet(name) ?? "");

function alignOf(token: Token): Align | undefined {
  const style = attribute(token, "style");
  return (["left", "center", "right"] as const).find((align) => style.endsWith(`:${align}`));
}

const sourceOf = (row: Token): string => (row.meta as { source?: string } | null)?.source ?? "";
/** A row without what the parser takes away: bars, escapes and blanks. */
const wordsOf = (row: string): string => row.replaceAll(/[|\\\s]/g, "");
