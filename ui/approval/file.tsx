import { useMemo, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import { patchLines, splitLines, type PatchLine } from "../lib/patch.ts";
import { visible } from "../lib/text.ts";
import { LineText } from "./line.tsx";

const SIGNS = { a: "+", d: "−", c: " ", h: " ", n: " " } as const;
const NAMES = { a: "added", d: "removed", c: "", h: "", n: "" } as const;

export type DiffMode = "unified" | "split";

interface FileProps {
  file: DiffFile;
  mode: DiffMode;
  isOpen: boolean;
  onToggle: () => void;
}

/** One changed file: its head says everything that is not in the lines (mode, link, binary, renamed), then the lines. */
export function FileDiff({ file, mode, isOpen, onToggle }: FileProps): ReactNode {
  const lines = useMemo(() => (isOpen && file.patch !== undefined ? patchLines(file.patch) : []), [isOpen, file.patch]);
  return (
    <section className="dfile" id={fileId(file.path)} tabIndex={-1} aria-label={visible(`file ${file.path}`)}>
      <header>
        <button type="button" className="ghost toggle" aria-expanded={isOpen} onClick={onToggle}>
          <span aria-hidden="true">{isOpen ? "▾ " : "▸ "}</span>
          <b>{visible(file.path)}</b>
        </button>
        {file.old_path !== undefined && file.old_path !== file.path && <span className="dim">was {visible(file.old_path)}</span>}
        <span className="green">
          {file.status === "added" ? `new, ${count(file.added)}` : file.added > 0 ? `+${file.added}` : ""}
        </span>
        <span className="red">{file.status === "deleted" ? "deleted" : file.removed > 0 ? `−${file.removed}` : ""}</span>
        <Modes file={file} />
        {file.binary && <span className="chip amber">binary</span>}
      </header>
      {isOpen && file.patch === undefined && (
        <p className="dim nothing">{file.binary ? "a binary file: its bytes are not shown" : "the content is the same"}</p>
      )}
      {isOpen && file.patch !== undefined && (
        <div className="scrollx" tabIndex={0} role="region" aria-label={visible(`changes of ${file.path}`)}>
          {mode === "split" ? <Split lines={lines} /> : <Unified lines={lines} />}
        </div>
      )}
      {isOpen && file.cut && <p className="amber nothing">The diff of this file was too long and is cut here.</p>}
    </section>
  );
}

export const fileId = (path: string): string => `file-${path}`;
const count = (n: number): string => (n === 1 ? "1 line" : `${n} lines`);

/** A change of a file's mode, or a mode worth saying: a program, a link. */
function Modes({ file }: { file: DiffFile }): ReactNode {
  const { old_mode: old, new_mode: fresh } = file;
  const isLink = fresh === "120000";
  return (
    <>
      {old !== undefined && fresh !== undefined && old !== fresh && (
        <span className="chip amber">
          mode {visible(old)} → {visible(fresh)}
        </span>
      )}
      {isLink && <span className="chip amber">symbolic link</span>}
      {!isLink && fresh === "100755" && old !== fresh && <span className="chip amber">may be run</span>}
    </>
  );
}

function Unified({ lines }: { lines: readonly PatchLine[] }): ReactNode {
  return (
    <div className="lines">
      {lines.map((line, n) => (
        <div key={n} className={`ln ${line.kind}`}>
          <i>{line.before}</i>
          <i>{line.after}</i>
          <span className="sg" aria-label={NAMES[line.kind]}>
            {SIGNS[line.kind]}
          </span>
          <span className="tx">
            <LineText line={line} />
          </span>
        </div>
      ))}
    </div>
  );
}

function Split({ lines }: { lines: readonly PatchLine[] }): ReactNode {
  return (
    <div className="lines split">
      {splitLines(lines).map(({ left, right }, n) => (
        <div key={n} className="pair">
          <Side line={left} number={left?.before} />
          {right?.kind === "h" ? <div className="ln h" /> : <Side line={right} number={right?.after} />}
        </div>
      ))}
    </div>
  );
}

function Side({ line, number }: { line: PatchLine | undefined; number: number | undefined }): ReactNode {
  if (!line) return <div className="ln blank" />;
  return (
    <div className={`ln ${line.kind}`}>
      <i>{number}</i>
      <span className="sg" aria-label={NAMES[line.kind]}>
        {SIGNS[line.kind]}
      </span>
      <span className="tx">
        <LineText line={line} />
      </span>
    </div>
  );
}
