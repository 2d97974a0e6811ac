import { lazy, memo, Suspense, type ReactNode } from "react";
import { afterFirstPaint } from "../lib/after-first-paint.ts";
import { Words } from "./text.tsx";

/** The parser comes after the first paint. Until then a text stays as it was written. */
const Markdown = lazy(async () => {
  await afterFirstPaint();
  try {
    return await import("./markdown.tsx");
  } catch {
    // A newer hive has other files. The text stays as it was written until the page is loaded again.
    return { default: AsWritten };
  }
});

/** Text of a model with its headings, lists, tables, links and code. It never becomes markup of the page. */
export const Prose = memo(function Prose({ text }: { text: string }): ReactNode {
  return (
    <div className="prose">
      <Suspense fallback={<AsWritten text={text} />}>
        <Markdown text={text} />
      </Suspense>
    </div>
  );
});

function AsWritten({ text }: { text: string }): ReactNode {
  return (
    <p className="as-written">
      <Words text={text} />
    </p>
  );
}
