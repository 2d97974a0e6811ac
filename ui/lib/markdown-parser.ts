import MarkdownIt, { type MarkdownIt as Parser, type StateBlock, type Token } from "markdown-it";

/**
 * Levels of quotes and lists that are parsed; a list takes two. What is deeper stays text as it was written: no reader
 * follows it, and each level takes width from the text.
 */
const MAX_LEVELS = 16;

/** The address that a link may have: web pages and mail. Everything else stays text. */
const isLinkable = (href: string): boolean => /^(?:https?:\/\/|mailto:)/i.test(href) && URL.canParse(href);

/** Lets the rest of a block that is nested too deeply be a paragraph. The library would drop it. */
function tooDeep(state: StateBlock, from: number, end: number, isSilent: boolean): boolean {
  if (state.level < MAX_LEVELS) return false;
  if (isSilent) return true;
  let to = from + 1;
  while (to < end && !state.isEmpty(to) && (state.sCount[to] ?? 0) >= state.blkIndent) to++;
  state.push("paragraph_open", "p", 1);
  const inline = state.push("inline", "", 0);
  inline.content = state.getLines(from, to, state.blkIndent, false).trim();
  inline.children = [];
  state.push("paragraph_close", "p", -1);
  state.line = to;
  return true;
}

/** The library's rule for tables, with the source line of each row in the row's `meta`. */
function tableRule(): (state: StateBlock, from: number, end: number, isSilent: boolean) => boolean {
  const { ruler } = new MarkdownIt().block;
  ruler.enableOnly("table");
  const [rule] = ruler.getRules("");
  if (!rule) throw new Error("the Markdown library has no rule for tables");
  return (state, from, end, isSilent) => {
    const before = state.tokens.length;
    if (!rule(state, from, end, isSilent)) return false;
    for (const token of state.tokens.slice(before)) {
      const line = token.map?.[0];
      if (token.type !== "tr_open" || line === undefined) continue;
      token.meta = { source: state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]) };
    }
    return true;
  };
}

/**
 * Rules that are off, because each would drop or change words: `reference` takes whole lines away, `image` loads from
 * elsewhere, `entity` decodes characters. `lheading` would make a heading of the line above each `---`, and of a line
 * whose list is still being written.
 */
const OFF = ["reference", "image", "entity", "lheading"];

function parser(): Parser {
  const made = new MarkdownIt({ html: false, linkify: false });
  made.disable(OFF);
  made.validateLink = isLinkable;
  made.block.ruler.at("table", tableRule(), { alt: ["paragraph"] });
  made.block.ruler.before("table", "too_deep", tooDeep);
  return made;
}
const markdown = parser();

/** The library's tokens of a text. No token is HTML, and the order of words is that of the text. */
export const tokensOf = (text: string): Token[] => markdown.parse(text, {});
