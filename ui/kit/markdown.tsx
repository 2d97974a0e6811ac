import { Fragment, memo, type ReactNode } from "react";
import { partsOf, type Part } from "../lib/markdown.ts";
import { Words } from "./text.tsx";

/** Markdown as elements. Loaded by `Prose`, because the parser is as large as a page. */
const Markdown = memo(function Markdown({ text }: { text: string }): ReactNode {
  return <Parts list={partsOf(text)} />;
});
export default Markdown;

interface PartsProps {
  list: readonly Part[];
  /** In the words of a link: an address in them is not a link of its own. */
  isLabel?: boolean;
}

function Parts({ list, isLabel = false }: PartsProps): ReactNode {
  return list.map((part, n) => <Fragment key={n}>{element(part, isLabel)}</Fragment>);
}

function element(part: Part, isLabel: boolean): ReactNode {
  switch (part.kind) {
    case "text":
      return isLabel ? part.text : <Words text={part.text} />;
    case "code":
      return <code>{part.text}</code>;
    case "fence":
      return (
        <pre className="code" tabIndex={0} aria-label={part.info === "" ? "code" : `code, ${part.info}`}>
          {part.info !== "" && <span className="info">{part.info}</span>}
          {part.text}
        </pre>
      );
    case "rule":
      return <hr />;
    case "link":
      return <LinkPart link={part} />;
    case "table":
      return <TablePart rows={part.children} />;
    default:
      return <Parent part={part} isLabel={isLabel} />;
  }
}

function Parent({ part, isLabel }: { part: Extract<Part, { children: Part[] }>; isLabel: boolean }): ReactNode {
  const inner = <Parts list={part.children} isLabel={isLabel} />;
  switch (part.kind) {
    case "heading":
      return <p className="heading">{inner}</p>;
    case "quote":
      return <blockquote className="dim">{inner}</blockquote>;
    case "list":
      return part.isOrdered ? <ol>{inner}</ol> : <ul>{inner}</ul>;
    case "item":
      return <li value={part.number}>{inner}</li>;
    case "row":
      return <tr>{inner}</tr>;
    case "cell": {
      const { isHead, align, span } = part;
      return isHead ? (
        <th scope="col" className={align}>
          {inner}
        </th>
      ) : (
        <td className={align} colSpan={span}>
          {inner}
        </td>
      );
    }
    case "strong":
      return <b>{inner}</b>;
    case "em":
      return <em>{inner}</em>;
    case "strike":
      return <s>{inner}</s>;
    default:
      return <p>{inner}</p>;
  }
}

/** The label as text, then its address, which is the link: what is pressed cannot name another destination. */
function LinkPart({ link }: { link: Extract<Part, { kind: "link" }> }): ReactNode {
  const { href, title, children } = link;
  const address = (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {href}
    </a>
  );
  if (children.length === 0 && title === "") return address;
  return (
    <>
      <Parts list={children} isLabel /> ({address}
      {title !== "" && ` ${title}`})
    </>
  );
}

function TablePart({ rows }: { rows: readonly Part[] }): ReactNode {
  return (
    <div className="scroll-x" role="group" aria-label="table" tabIndex={0}>
      <table>
        <tbody>
          <Parts list={rows} />
        </tbody>
      </table>
    </div>
  );
}
