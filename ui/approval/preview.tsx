import { useCallback, useEffect, useMemo, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { cardDiff, hiddenWords } from "../lib/card-diff.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import type { Shown } from "./card.tsx";
import { LineText } from "../diff/line.tsx";
import { visible } from "../lib/text.ts";

/** The diff, or its beginning. Reports the digest and whether all of it is shown, so that the card approves exactly that. */
export function Preview({
  approval,
  onShown,
}: {
  approval: ApprovalView;
  onShown: (shown: Shown | undefined) => void;
}): ReactNode {
  const { id, digest } = approval;
  // Fetch again when the content to approve changes.
  const { value, error, again } = useFetched(
    useCallback(() => call("show", { id }), [id]),
    digest,
  );
  const diff = useMemo(() => cardDiff(value?.files ?? []), [value]);
  useEffect(() => {
    onShown(value && { digest: value.approval.digest, isWhole: diff.isWhole });
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
  if (!value) return <div className="mini faint">reading the diff…</div>;
  const { parts, ignored, hiddenLines, hiddenFiles } = diff;
  return (
    <div className="mini" tabIndex={0} role="group" aria-label={diff.isWhole ? "the diff" : "beginning of the diff"}>
      {parts.map(({ file, lines }) => (
        <div key={file.path}>
          <div className="h">
            {visible(file.path)}
            {file.status === "modified" ? "" : ` · ${file.status.replace("_", " ")}`}
            {file.added + file.removed === 0 &&
              !file.binary &&
              (file.status === "modified" ? " · the content is the same" : " · empty")}
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
