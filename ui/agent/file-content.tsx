import { useCallback, useState, type ReactNode } from "react";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";

/** Characters that are drawn at first: more than a person reads, and less than slows a browser. */
const FIRST_CHARS = 200_000;

/** A file as far as it can be shown: text as text, a picture, or what it is. */
export function FileContent({ name, path }: { name: string; path: string }): ReactNode {
  const { value, error } = useFetched(useCallback(() => call("file_read", { name, path }), [name, path]));
  const [isWhole, setWhole] = useState(false);
  if (error !== undefined) return <Empty>{visible(error)}</Empty>;
  if (!value) return <Empty>loading…</Empty>;
  const { file } = value;
  if (file.picture)
    return (
      <div className="scroll picture">
        <img src={`data:${file.picture.type};base64,${file.picture.base64}`} alt={visible(path)} />
        <p className="dim">{sizeText(file.bytes)}</p>
      </div>
    );
  if (file.text === undefined)
    return (
      <Empty>
        {file.shows === "binary" ? "This is no text and no picture" : "This is too long to be shown"} ({sizeText(file.bytes)}).
      </Empty>
    );
  if (file.text === "") return <Empty>This file is empty.</Empty>;
  const isCut = !isWhole && file.text.length > FIRST_CHARS;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={visible(path)}>
      <pre className="file-text">{visible(isCut ? file.text.slice(0, FIRST_CHARS) : file.text)}</pre>
      {isCut && (
        <button type="button" className="ghost" onClick={() => setWhole(true)}>
          show all {sizeText(file.bytes)}
        </button>
      )}
    </div>
  );
}
