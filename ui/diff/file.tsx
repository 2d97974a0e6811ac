import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import { ActionButton, useAction } from "../kit/button.tsx";
import { patchLines } from "../lib/patch.ts";
import { visible } from "../lib/text.ts";
import { Further } from "./further.tsx";
import { Lines, type DiffMode, type LineNotes } from "./lines.tsx";
import { modeWords } from "./modes.ts";
import { placesOf } from "./place.ts";

/** Lines drawn at first, and added at the end of them each time: a page can hold some thousands of lines, not a million. */
const LINES_AT_ONCE = 1_000;

/** A part of a patch, and the offset of the next part if there is one. */
export interface PatchPart {
  text: string;
  next?: number | undefined;
}

interface FileProps {
  file: DiffFile;
  /** Names the diff that the file is of. What was fetched of another diff is not shown. */
  diff: string;
  mode: DiffMode;
  isOpen: boolean;
  onToggle: (path: string) => void;
  /** Fetches a part of the whole patch, from a character offset. */
  read: (path: string, after: number) => Promise<PatchPart>;
  /** Called once the whole patch is on the page. */
  onWhole?: ((path: string) => void) | undefined;
  notes?: LineNotes | undefined;
  /** Further chips of the header. */
  children?: ReactNode;
}

/** True for a file whose patch comes when the file is opened. */
const isLater = (file: DiffFile): boolean => file.cut && !file.binary && file.patch === undefined;

/** Whether a file is open at first: not one that this hive never reads, nor one whose patch has to be fetched. */
export const startsOpen = (file: DiffFile): boolean => file.ignored !== true && !isLater(file);

/** A changed file. Its header shows what the lines do not (mode, link, binary, renamed); the lines follow. */
export function FileDiff({ file, diff, mode, isOpen, onToggle, read, onWhole, notes, children }: FileProps): ReactNode {
  const given = file.patch ?? "";
  // Text fetched beyond the patch, valid while diff and patch are the same.
  const of = `${diff}\n${given}`;
  const [more, setMore] = useState({ of, text: "", isAll: false });
  const patch = more.of === of ? given + more.text : given;
  const isAll = !isUnshown(file) || (more.of === of && more.isAll);
  const [drawn, setDrawn] = useState(LINES_AT_ONCE);
  const { text, isWhole } = useMemo(() => beginning(isOpen ? patch : "", drawn), [isOpen, patch, drawn]);
  const lines = useMemo(() => (text === "" ? [] : patchLines(text)), [text]);
  const places = useMemo(() => placesOf(lines), [lines]);
  const reading = useAction(async (): Promise<void> => {
    const { text: part, next } = await read(file.path, patch.length);
    setMore({ of, text: patch.slice(given.length) + part, isAll: next === undefined });
    if (next === undefined) onWhole?.(file.path);
  });
  const isAwaited = isOpen && isLater(file) && patch === "" && !isAll;
  const asked = useRef<string>(undefined);
  useEffect(() => {
    if (!isAwaited || asked.current === of || reading.isBusy) return;
    asked.current = of;
    reading.act();
  });
  return (
    <section className="dfile" id={fileId(file.path)} tabIndex={-1} aria-label={visible(`file ${file.path}`)}>
      <FileHead file={file} isOpen={isOpen} isAll={isAll} onToggle={onToggle}>
        {children}
      </FileHead>
      {isOpen && notes?.above(places)}
      {isOpen && patch === "" && !isAwaited && <p className="dim nothing">{emptyPatch(file)}</p>}
      {isOpen && patch !== "" && (
        <div className="scrollx" tabIndex={0} role="region" aria-label={visible(`changes of ${file.path}`)}>
          <Lines lines={lines} mode={mode} notes={notes} />
        </div>
      )}
      {isOpen && !isWhole && <Further words="further lines…" draw={() => setDrawn(2 * drawn)} />}
      {isOpen && isWhole && !isAll && (
        <p className="red nothing">
          {file.binary ? "" : isAwaited ? "The patch of this file is read when it is opened. " : CUT_HERE}
          <ActionButton kind="ghost" action={reading}>
            {file.binary && patch === "" ? "show its bytes" : isAwaited ? "read it" : "show more"}
          </ActionButton>
        </p>
      )}
    </section>
  );
}

const CUT_HERE = "The patch of this file is too long and is cut here. ";

interface HeadProps {
  file: DiffFile;
  isOpen: boolean;
  /** True once all of the patch is on the page. */
  isAll: boolean;
  onToggle: (path: string) => void;
  children: ReactNode;
}

function FileHead({ file, isOpen, isAll, onToggle, children }: HeadProps): ReactNode {
  return (
    <header>
      <button type="button" className="ghost toggle" aria-expanded={isOpen} onClick={() => onToggle(file.path)}>
        <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span>
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
      {modeWords(file).map((words) => (
        <span key={words} className="chip amber">
          {words}
        </span>
      ))}
      {file.binary && <span className="chip red">not text</span>}
      {file.cut && !isAll && <span className="chip red">not shown whole</span>}
      {file.ignored === true && <span className="chip">not read by this hive</span>}
      {children}
    </header>
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

export const fileId = (path: string): string => `file-${path}`;
const count = (n: number): string => (n === 1 ? "1 line" : `${n} lines`);
