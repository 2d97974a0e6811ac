import { useCallback, useEffect, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { Output } from "../../src/wire/operations.ts";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { patchLines, type PatchLine } from "../lib/patch.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import type { Shown } from "./card.tsx";
import { LineText } from "./line.tsx";
import { visible } from "../lib/text.ts";

type File = Output<"show">["files"][number];

/** Lines of the diff on a card. */
const SHOWN = 10;

/** The beginning of the diff. Reports the digest that it shows, so that the card approves exactly that. */
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
  useEffect(() => {
    const unshown = value?.files.filter(isUnshown).length ?? 0;
    onShown(value && { digest: value.approval.digest, unshown });
  }, [value, onShown]);
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
  const parts = beginning(value.files);
  const total = approval.stat.added + approval.stat.removed;
  const seen = parts.reduce((sum, { cut }) => sum + cut.length, 0);
  return (
    <div className="mini" tabIndex={0} role="group" aria-label="beginning of the diff">
      {parts.map(({ file, cut }) => (
        <div key={file.path}>
          <div className="h">
            {visible(file.path)}
            {file.status === "modified" ? "" : ` · ${file.status.replace("_", " ")}`}
            {isUnshown(file) && <span className="red">{file.binary ? " · not text" : " · not shown whole"}</span>}
          </div>
          {cut.map((line, n) => (
            <div key={n} className={line.kind}>
              {line.kind === "a" ? "+ " : "- "}
              <LineText line={line} />
            </div>
          ))}
        </div>
      ))}
      {total > seen && <div className="h">… {total - seen} more changed lines</div>}
    </div>
  );
}

/** The first changed lines of a patch. Parses no more of it than is shown. */
function changedLines(patch: string, most: number): PatchLine[] {
  let text = "";
  let found = 0;
  for (let at = 0; at < patch.length && found < most;) {
    const eol = patch.indexOf("\n", at);
    const end = eol < 0 ? patch.length : eol + 1;
    const line = patch.slice(at, end);
    if (line.startsWith("+") || line.startsWith("-")) found++;
    text += line;
    at = end;
  }
  return patchLines(text).filter((line) => line.kind === "a" || line.kind === "d");
}

/** The first changed lines of each file, without context lines. */
function beginning(files: readonly File[]): { file: File; cut: PatchLine[] }[] {
  const parts: { file: File; cut: PatchLine[] }[] = [];
  let left = SHOWN;
  for (const file of files) {
    if (left <= 0) break;
    if (file.ignored === true) continue;
    const cut = changedLines(file.patch ?? "", left);
    left -= cut.length + 1;
    parts.push({ file, cut });
  }
  return parts;
}
