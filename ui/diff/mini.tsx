import { useEffect, useMemo, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import { cardDiff, hiddenWords } from "../lib/card-diff.ts";
import { useFetched } from "../lib/fetched.ts";
import { visible } from "../lib/text.ts";
import { LineText } from "./line.tsx";
import { modeWords } from "./modes.ts";

/** What a card has loaded. */
export interface Shown {
  sha: string | undefined;
  digest: string | undefined;
  /** False if the card does not show all of it. It is then decided on its page. */
  isWhole: boolean;
}

interface MiniDiffProps {
  load: () => Promise<{ sha?: string | undefined; digest?: string | undefined; files: readonly DiffFile[] }>;
  /** What waits: its commit and its digest. The diff is loaded again when either changes. */
  waits: string;
  onShown: (shown: Shown | undefined) => void;
}

/** The diff on a card, or its beginning. Reports what is shown, so that the card approves exactly that. */
export function MiniDiff({ load, waits, onShown }: MiniDiffProps): ReactNode {
  const { value, error, again } = useFetched(load, waits);
  const diff = useMemo(() => cardDiff(value?.files ?? []), [value]);
  useEffect(() => {
    onShown(value && { sha: value.sha, digest: value.digest, isWhole: diff.isWhole });
  }, [value, diff, onShown]);
  if (error !== undefined) {
    return (
      <div className="mini">
        <span className="red">{error}</span>{" "}
        <button type="button" className="ghost" onClick={() => void again()}>
          again
        </button>
      </div>
    );
  }
  if (!value) return <div className="mini faint reading">reading the diff…</div>;
  const { parts, ignored, hiddenLines, hiddenFiles } = diff;
  return (
    <div className="mini" tabIndex={0} role="group" aria-label={diff.isWhole ? "the diff" : "beginning of the diff"}>
      {parts.map(({ file, lines }) => (
        <div key={file.path}>
          <div className="h">
            {visible(file.path)}
            {file.status === "modified" ? "" : ` · ${file.status.replace("_", " ")}`}
            {file.old_path !== undefined && file.old_path !== file.path && ` · was ${visible(file.old_path)}`}
            {modeWords(file).map((words) => (
              <span key={words} className="amber">
                {" "}
                · {words}
              </span>
            ))}
            {file.added + file.removed === 0 &&
              !file.binary &&
              (file.status === "added" || file.status === "deleted" ? " · empty" : " · the content is the same")}
            {isUnshown(file) && <span className="red">{file.binary ? " · not text" : " · not shown whole"}</span>}
          </div>
          {lines.map((line, n) => (
            <div key={n} className={line.kind}>
              {line.kind === "a" ? "+ " : "- "}
              <LineText line={line} />
            </div>
          ))}
        </div>
      ))}
      {ignored.map((file) => (
        <div key={file.path} className="h">
          {visible(file.path)} · not read by this hive
        </div>
      ))}
      {(hiddenLines > 0 || hiddenFiles > 0) && <div className="h">… {hiddenWords(diff)}</div>}
    </div>
  );
}
