import { memo, type ReactNode } from "react";
import { blocks, type Block, type Inline } from "../lib/markdown.ts";
import { visible } from "../lib/text.ts";
import { Words } from "./text.tsx";

/** Text of a model with its headings, lists and code, rendered as text nodes only. */
export const Prose = memo(function Prose({ text }: { text: string }): ReactNode {
  return (
    <div className="prose">
      {blocks(text).map((block, n) => (
        <BlockRow key={n} block={block} />
      ))}
    </div>
  );
});

function BlockRow({ block }: { block: Block }): ReactNode {
  switch (block.kind) {
    case "code":
      return (
        <pre className="code" tabIndex={0} aria-label={block.language === "" ? "code" : `code, ${visible(block.language)}`}>
          {visible(block.text)}
        </pre>
      );
    case "heading":
      return (
        <p className="heading">
          <Inlines list={block.inlines} />
        </p>
      );
    case "item":
      return (
        <p className={`item d${block.depth}`}>
          <span className="faint">{block.bullet} </span>
          <Inlines list={block.inlines} />
        </p>
      );
    case "quote":
      return (
        <p className="quote dim">
          <Inlines list={block.inlines} />
        </p>
      );
    case "rule":
      return <hr />;
    case "line":
      return (
        <p>
          <Inlines list={block.inlines} />
        </p>
      );
  }
}

function Inlines({ list }: { list: readonly Inline[] }): ReactNode {
  return list.map((one, n) => {
    if (one.kind === "code") return <code key={n}>{visible(one.text)}</code>;
    if (one.kind === "strong") return <b key={n}>{visible(one.text)}</b>;
    if (one.kind === "em") return <em key={n}>{visible(one.text)}</em>;
    return <Words key={n} text={one.text} />;
  });
}
