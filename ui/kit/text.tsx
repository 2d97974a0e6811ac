import type { ReactNode } from "react";
import { parts, visible } from "../lib/text.ts";

/** Words from an agent or the operator: always text nodes, with links to http(s) only. */
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

/** A principal's name in the colour of its kind. */
export function Who({ name }: { name: string }): ReactNode {
  const kind = name === "operator" ? "amber" : name === "system" ? "dim" : name === "hm1nd" ? "mauve" : "cyan";
  return <b className={kind}>{visible(name)}</b>;
}
