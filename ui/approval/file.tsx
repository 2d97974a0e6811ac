import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import type { Output } from "../../src/wire/operations.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import { Action } from "../kit/button.tsx";
import { patchLines, splitLines, type PatchLine } from "../lib/patch.ts";
import { visible } from "../lib/text.ts";
import { LineText } from "./line.tsx";

const SIGNS = { a: "+", d: "−", c: " ", h: " ", n: " " } as const;
const NAMES = { a: "added", d: "removed", c: "", h: "", n: "" } as const;

export type DiffMode = "unified" | "split";

/** Lines drawn at first, and added at the end of them each time: a page can hold some thousands of lines, not a million. */
const LINES_AT_ONCE = 1_000;

interface FileProps {
  file: DiffFile;
  mode: DiffMode;
  isOpen: boolean;
  onToggle: () => void;
  /** Fetches a part of the whole patch, from a character offset. */
  read: (path: string, after: number) => Promise<Output<"show_file">>;
}

/** A changed file. Its header shows what the lines do not (mode, link, binary, renamed); the lines follow. */
export function FileDiff({ file, mode, isOpen, onToggle, read }: FileProps): ReactNode {
  const given = file.patch ?? "";
  // Text fetched beyond the patch, valid while the patch is the same.
  const [more, setMore] = useState({ of: given, text: "", isAll: false });
  const patch = more.of === given ? given + more.text : given;
  const isAll = !isUnshown(file) || (more.of === given && more.isAll);
  const [drawn, setDrawn] = useState(LINES_AT_ONCE);
  const { text, isWhole } = useMemo(() => beginning(isOpen ? patch : "", drawn), [isOpen, patch, drawn]);
  const lines = useMemo(() => (text === "" ? [] : patchLines(text)), [text]);
  const readOn = async (): Promise<void> => {
    const { text: part, next } = await read(file.path, patch.length);
    setMore({ of: given, text: patch.slice(given.length) + part, isAll: next === undefined });
  };
  return (
    <section className="dfile" id={fileId(file.path)} tabIndex={-1} aria-label={visible(`file ${file.path}`)}>
      <header>
        <button type="button" className="ghost toggle" aria-expanded={isOpen} onClick={onToggle}>
          <span aria-hidden="true">{isOpen ? "▾ " : "▸ "}</span>
          <b>{visible(file.path)}</b>
        </button>
        {file.old_path !== undefined && file.old_path !== file.path && <span className="dim">was {visible(file.old_path)}</span>}
        <span className="green">
          {file.status === "added"
            ? `new${file.added > 0 ? `, ${count(file.added)}` : ""}`
            : file.added > 0
              ? `+${file.added}`
              : ""}
        </span>
        <span className="red">{file.status === "deleted" ? "deleted" : file.removed > 0 ? `−${file.removed}` : ""}</span>
        <Modes file={file} />
        {file.binary && <span className="chip red">not text</span>}
        {file.cut && <span className="chip red">not shown whole</span>}
        {file.ignored === true && <span className="chip">not read by this hive</span>}
      </header>
      {isOpen && patch === "" && <p className="dim nothing">{emptyPatch(file)}</p>}
      {isOpen && patch !== "" && (
        <div className="scrollx" tabIndex={0} role="region" aria-label={visible(`changes of ${file.path}`)}>
          {mode === "split" ? <Split lines={lines} /> : <Unified lines={lines} />}
        </div>
      )}
      {isOpen && !isWhole && <Further draw={() => setDrawn(2 * drawn)} />}
      {isOpen && isWhole && !isAll && (
        <p className="red nothing">
          {file.binary ? "" : "The patch of this file is too long and is cut here. "}
          <Action kind="ghost" run={readOn}>
            {file.binary && patch === "" ? "show its bytes" : "show more"}
          </Action>
        </p>
      )}
    </section>
  );
}

/** Why the file has no lines to show. */
function emptyPatch({ binary, status }: DiffFile): string {
  if (binary) return "The bytes of this file are not text and are not shown.";
  return status === "added" || status === "deleted" ? "The file is empty." : "The content is the same.";
}

/** The beginning of a patch, up to this many lines. */
function beginning(patch: string, most: number): { text: string; isWhole: boolean } {
  let end = 0;
  for (let n = 0; n < most; n++) {
    const eol = patch.indexOf("\n", end);
    if (eol < 0) return { text: patch, isWhole: true };
    end = eol + 1;
  }
  return { text: patch.slice(0, end), isWhole: end === patch.length };
}

/** Draws further lines when the reader scrolls to the end of those drawn, or presses the button. */
function Further({ draw }: { draw: () => void }): ReactNode {
  const place = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!place.current) return;
    const watch = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && draw());
    watch.observe(place.current);
    return () => watch.disconnect();
  }, [draw]);
  return (
    <button ref={place} type="button" className="ghost nothing" onClick={draw}>
      further lines…
    </button>
  );
}

export const fileId = (path: string): string => `file-${path}`;
const count = (n: number): string => (n === 1 ? "1 line" : `${n} lines`);

/** A change of a file's mode, or a mode that matters: a program, a link. */
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
