import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { changeCan, isChangeOver } from "../../src/wire/change-states.ts";
import type { Output } from "../../src/wire/operations.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import type { ChangeView, CommentView } from "../../src/wire/work.ts";
import { Accept, Missing } from "../diff/accept.tsx";
import { MoreFiles, useFiles } from "../diff/files.tsx";
import { FileTree } from "../diff/tree.tsx";
import { ViewSwitch } from "../diff/view-switch.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { Allowed, useMay } from "../kit/allowed.tsx";
import { call } from "../lib/api.ts";
import { changeName, shownMark, stateWords } from "../lib/changes.ts";
import { useFetched } from "../lib/fetched.ts";
import { moveFocus, useKeys, type Key } from "../lib/keys.ts";
import { knowChanges, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { changeNote, useUnsent } from "../lib/unsent.ts";
import { ChangeBar } from "./change-bar.tsx";
import { ChangeFile } from "./change-file.tsx";
import { ChangeTop } from "./change-top.tsx";
import { placed } from "./comments.ts";
import { Instead } from "./instead.tsx";
import { Talk } from "./talk.tsx";
import { useComments } from "./use-comments.ts";
import { useSeen } from "./use-seen.ts";

type Base = "merge_base" | "base_tip" | "last_reviewed";
/** What the diff can be compared with. It is decided against the first. */
const BASES: Record<Base, string> = {
  merge_base: "where the branch began",
  base_tip: "the base now",
  last_reviewed: "the last reviewed round",
};
const isBase = (value: string | undefined): value is Base => value !== undefined && Object.hasOwn(BASES, value);
const NO_COMMENTS: readonly CommentView[] = [];

/** A change in full: what it is for, its diff with comments on lines, and one bar with the decisions. */
export function ChangePage(): ReactNode {
  const { id: param } = useParams({ from: "/change/$id" });
  const search = useSearch({ from: "/change/$id" });
  const id = Number(param);
  const known = useHive((state) => state.changes.get(id));
  const base: Base = isBase(search.base) ? search.base : "merge_base";
  const { value, error, again } = useFetched(
    useCallback(() => call("change", { change: id, against: base }).then((answer) => ({ ...answer, from: base })), [id, base]),
    known && shownMark(known),
  );
  useEffect(() => {
    if (value) knowChanges([value.change]);
  }, [value]);
  const change = known ?? value?.change;
  useEffect(() => {
    document.title = visible(`${change ? `${changeName(change)} ${change.title}` : `change ${param}`} · hyperhive`);
  }, [param, change]);
  if (!change || !value) {
    return (
      <>
        <Bar repo={undefined} />
        <main className="review-page">
          <p className={`empty ${error === undefined ? "dim" : "red"}`} role="status">
            {error ?? "reading the change…"}
          </p>
        </main>
      </>
    );
  }
  return <Shown key={id} shown={value} change={change} base={base} error={error} again={again} />;
}

function Bar({ repo, children }: { repo: string | undefined; children?: ReactNode }): ReactNode {
  return (
    <header className="bar">
      <Link to="/work" className="dim">
        ← work
      </Link>
      {repo !== undefined && <span className="faint">/</span>}
      {repo !== undefined && (
        <Link to="/work/$repo" params={{ repo }} className="dim">
          {visible(repo)}
        </Link>
      )}
      <span className="grow" />
      {children}
    </header>
  );
}

interface ShownProps {
  /** With the base that was requested. The diff on the screen is against it. */
  shown: Output<"change"> & { from: Base };
  change: ChangeView;
  base: Base;
  /** Why the last refresh failed. */
  error: string | undefined;
  again: () => Promise<void>;
}

function Shown({ shown, change, base, error, again }: ShownProps): ReactNode {
  const { id } = change;
  const { files, from } = shown;
  const search = useSearch({ from: "/change/$id" });
  const navigate = useNavigate();
  const mode = search.view === "split" ? "split" : "unified";
  const list = useFiles(files);
  const mayComment = useMay("change_comment");
  const { comments, acts } = useComments(id, shown.comments);
  const { byFile, general } = useMemo(() => placed(comments, files), [comments, files]);
  const drafts = comments.filter(({ state }) => state === "draft").length;
  const unshown = useMemo(() => files.filter(isUnshown).map((file) => file.path), [files]);
  // What can be approved: the diff from where the branch began.
  const digest = from === "merge_base" ? shown.change.digest : undefined;
  const { read, ticked, onWhole, accept } = useSeen(digest);
  const unread = unshown.filter((path) => !read.has(path));
  const missing = unread.filter((path) => !ticked.has(path)).length;
  const readPart = useCallback(
    (path: string, after: number) => call("change_file", { change: id, against: from, path, after }),
    [id, from],
  );
  const [isHelp, setHelp] = useState(false);
  const go = (next: { base?: string; view?: string }): void =>
    void navigate({ to: "/change/$id", params: { id: String(id) }, search: { ...search, ...next }, replace: true });
  const press = (selector: string): void => document.querySelector<HTMLElement>(selector)?.click();
  const keys: Key[] = [
    ...list.keys,
    { key: "n", words: "next line", run: () => moveFocus("[data-place]", 1) },
    { key: "p", words: "previous line", run: () => moveFocus("[data-place]", -1) },
    { key: "c", words: "comment on the line, or on the whole change", run: comment },
    {
      key: "a",
      words: "to ◆ APPR0VE; Enter then approves",
      // While files have to be accepted by name first, focus the first of them.
      run: () => document.querySelector<HTMLElement>("button.approve, .accept input:not(:checked)")?.focus(),
    },
    { key: "t", words: "to “try again”", run: () => document.querySelector<HTMLElement>("button.retry")?.focus() },
    { key: "r", words: "request changes, with the drafts and a note", run: () => press("button.return") },
    { key: "d", words: "deny, with a note", run: () => press("button.deny") },
    { key: "v", words: "unified or side by side", run: () => go({ view: mode === "split" ? "unified" : "split" }) },
    { key: "w", words: "work: repositories and changes", run: () => void navigate({ to: "/work" }) },
    { key: "u", words: "back to your call", run: () => void navigate({ to: "/", search: { tab: "call" } }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  const canApprove = changeCan(change, "approve");
  const isOld = change.digest !== shown.change.digest || change.sha !== shown.change.sha;
  const isWritten = useUnsent(changeNote(id));
  const isForReading = canApprove && base !== "merge_base";
  return (
    <>
      <Bar repo={change.repo}>
        <button type="button" className="ghost wide" onClick={() => setHelp(true)}>
          j k files · n p lines · c comment · a approve · ? keys
        </button>
        <button type="button" className="ghost narrow" aria-label="keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </Bar>
      <main className="review-page">
        <nav className="tree" aria-label="files">
          <FileTree files={files} go={list.go} />
        </nav>
        <div className="request">
          <div className="top">
            <ChangeTop change={change} shownBase={shown.base_sha} />
            {error !== undefined && (
              <p className="red" role="alert">
                {error}
              </p>
            )}
            <Talk id={id} comments={general} acts={acts} canComment={mayComment && !isChangeOver(change.state)} />
            {canApprove && unread.length > 0 && from === "merge_base" && (
              <Allowed to="change_approve">
                <Accept paths={unread} accepted={ticked} accept={accept} />
              </Allowed>
            )}
          </div>
          <ViewSwitch bases={basesOf(change)} base={base} mode={mode} change={go} />
          <div className="files">
            {list.drawn.map((file) => (
              <ChangeFile
                key={file.path}
                id={id}
                file={file}
                diff={`${from} ${shown.change.digest}`}
                comments={byFile.get(file.path) ?? NO_COMMENTS}
                acts={acts}
                isAgainstMergeBase={from === "merge_base"}
                canComment={mayComment && !isChangeOver(change.state)}
                mode={mode}
                isOpen={list.isOpen(file)}
                onToggle={list.toggle}
                read={readPart}
                onWhole={onWhole}
              />
            ))}
            <MoreFiles total={files.length} files={list} />
            {files.length === 0 && <p className="empty dim">Nothing differs from {BASES[base]}.</p>}
          </div>
        </div>
      </main>
      {(isWritten || hasActions(change)) && (
        <div className="actbar">
          {(isOld || isForReading) && !isWritten ? (
            <Instead isOld={isOld} again={again} words={BASES[base]} decide={() => go({ base: "merge_base" })} />
          ) : (
            <ChangeBar
              change={change}
              seen={digest === undefined ? undefined : shown.change}
              unshown={unshown}
              blocked={missing > 0 && <Missing count={missing} />}
              // Another page may just have kept some: they are on their way into the diff.
              drafts={Math.max(drafts, change.comments.draft)}
            />
          )}
        </div>
      )}
      <OpenDrawer />
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <span className="sr" aria-live="polite">
        {canApprove ? "" : `change ${id}: ${stateWords(change)}`}
      </span>
    </>
  );
}

/** Begins a comment on the focused line, or on the whole change. */
function comment(): void {
  const line = document.activeElement?.closest<HTMLElement>("[data-place]");
  const box = document.querySelector<HTMLElement>(".talk textarea");
  if (line) line.click();
  else if (box) box.focus();
  else document.querySelector<HTMLElement>(".talk .begin")?.click();
}

const hasActions = (change: ChangeView): boolean =>
  (["approve", "return", "deny", "withdraw", "retry", "dequeue", "revert"] as const).some((one) => changeCan(change, one));

/** The first round has no earlier one to compare with. */
const basesOf = ({ round }: ChangeView): Partial<Record<Base, string>> =>
  round > 1 ? BASES : { merge_base: BASES.merge_base, base_tip: BASES.base_tip };
