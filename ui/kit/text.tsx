import { isOperator } from "../../src/wire/roles.ts";
import type { ReactNode } from "react";
import { parts, visible } from "../lib/text.ts";

/** Text of an agent or the operator: always text nodes, with links to http(s) only. */
export function Words({ text }: { text: string }): ReactNode {
  return parts(visible(text)).map((part, index) =>
    part.href === undefined ? (
      part.text
    ) : (
      <a key={index} href={part.href} target="_blank" rel="noopener noreferrer">
        {part.text}
      </a>
    ),
  );
}

/** The same, with words that begin with a search term marked. */
export function Marked({ text, words }: { text: string; words: string }): ReactNode {
  const tokens = words.match(/[\p{L}\p{N}\p{M}_]+/gu);
  if (!tokens) return <Words text={text} />;
  const sought = new RegExp(`(?<![\\p{L}\\p{N}])(${tokens.join("|")})`, "giu");
  // Split on one group: every second piece is a match.
  return visible(text)
    .split(sought)
    .map((piece, index) => (index % 2 === 1 ? <mark key={index}>{piece}</mark> : piece));
}

/** A principal's name in the colour of its kind. */
export function Who({ name }: { name: string }): ReactNode {
  const kind = isOperator(name) ? "amber" : name === "system" ? "dim" : name === "hm1nd" ? "mauve" : "cyan";
  return <b className={kind}>{visible(name)}</b>;
}
