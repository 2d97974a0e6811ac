import { useState, type ReactNode } from "react";
import type { DiffFile } from "../../src/wire/approval.ts";
import { moveFocus, type Key } from "../lib/keys.ts";
import { withTurned } from "./accept.tsx";
import { fileId, startsOpen } from "./file.tsx";
import { Further, useGrowing } from "./further.tsx";

/** The files of a diff: which are drawn, which are open, and the keys that move among them. */
export interface Files {
  drawn: readonly DiffFile[];
  /** Draws more files; undefined once all are drawn. */
  grow: (() => void) | undefined;
  isOpen: (file: DiffFile) => boolean;
  toggle: (path: string) => void;
  /** Brings a file into view and focuses it. */
  go: (path: string) => void;
  keys: readonly Key[];
}

/** Brings a drawn file into view and focuses it. */
function focusFile(path: string): boolean {
  const place = document.getElementById(fileId(path));
  place?.focus({ preventScroll: true });
  place?.scrollIntoView({ block: "start" });
  return place !== null;
}

export function useFiles(files: readonly DiffFile[]): Files {
  const { drawn, isAll, grow, upTo } = useGrowing(files.length);
  // Files whose default is toggled.
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  const [toggle] = useState(() => (path: string) => setTurned((now) => withTurned(now, path)));
  const go = (path: string): void => {
    if (focusFile(path)) return;
    upTo(files.findIndex((file) => file.path === path) + 1);
    // It is drawn with the next frame.
    requestAnimationFrame(() => focusFile(path));
  };
  return {
    drawn: isAll ? files : files.slice(0, drawn),
    grow: isAll ? undefined : grow,
    isOpen: (file) => turned.has(file.path) !== startsOpen(file),
    toggle,
    go,
    keys: [
      { key: "j", words: "next file", run: () => moveFocus(".dfile", 1) },
      { key: "k", words: "previous file", run: () => moveFocus(".dfile", -1) },
      {
        key: "x",
        words: "fold or open the file",
        run: () => {
          const id = document.activeElement?.closest(".dfile")?.id;
          const file = files.find((one) => fileId(one.path) === id);
          if (file) toggle(file.path);
        },
      },
    ],
  };
}

/** The end of a list of files that is not drawn whole. */
export function MoreFiles({ total, files: { drawn, grow } }: { total: number; files: Files }): ReactNode {
  return grow && <Further words={`${total - drawn.length} more files…`} draw={grow} />;
}
