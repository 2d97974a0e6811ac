import { isBeforeBuilt, isTerminal, requestCan } from "../../src/wire/request-states.ts";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import type { Output } from "../../src/wire/operations.ts";
import { isUnshown } from "../../src/wire/unshown.ts";
import { KIND_WORDS } from "../../src/wire/words.ts";
import { Accept, Missing } from "../diff/accept.tsx";
import { FileDiff } from "../diff/file.tsx";
import { MoreFiles, useFiles } from "../diff/files.tsx";
import { FileTree } from "../diff/tree.tsx";
import { ViewSwitch } from "../diff/view-switch.tsx";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { Marks } from "../kit/marks.tsx";
import { Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useKeys, type Key } from "../lib/keys.ts";
import { knowApprovals, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { denyDraft, useUnsent } from "../lib/unsent.ts";
import { Build } from "./build.tsx";
import { ApproveBar } from "./bar.tsx";
import { Subject } from "./card.tsx";
import { Progress } from "./progress.tsx";

type Base = "decision" | "running" | "requested" | "parent";
/** The bases that the diff of a decided request can be compared with. */
const BASES: Record<Base, string> = {
  decision: "what ran when it was decided",
  running: "what runs now",
  requested: "what ran when it was requested",
  parent: "the commit before it",
};
/** The bases for a pending request: it is decided against what runs. */
const PENDING_BASES: Partial<Record<Base, string>> = {
  decision: "what runs",
  requested: BASES.requested,
  parent: BASES.parent,
};
const isBase = (value: string | undefined): value is Base => value !== undefined && Object.hasOwn(BASES, value);

/** A request in full: the change, its risks, the diff, and one bar with the sha that will run. */
export function ApprovalPage(): ReactNode {
  const { id: param } = useParams({ from: "/approval/$id" });
  const search = useSearch({ from: "/approval/$id" });
  const id = Number(param);
  const known = useHive((state) => state.approvals.get(id));
  const wanted: Base = isBase(search.base) ? search.base : "decision";
  const base = wanted === "running" && known && requestCan(known, "approve") ? "decision" : wanted;
  const digest = known?.digest;
  const shown = useFetched(
    useCallback(() => call("show", { id, base }).then((answer) => ({ ...answer, from: base })), [id, base]),
    digest,
  );
  const { value, error } = shown;
  useEffect(() => {
    if (value) knowApprovals([value.approval]);
  }, [value]);
  const approval = known ?? value?.approval;
  useEffect(() => {
    document.title = visible(`#${param}${approval ? ` ${approval.agent}` : ""} · hyperhive`);
  }, [param, approval]);

  if (!approval || !value) {
    return (
      <>
        <Bar />
        <main className="review-page">
          <p className={`empty ${error === undefined ? "dim" : "red"}`} role="status">
            {error ?? "reading the request…"}
          </p>
        </main>
      </>
    );
  }
  return <Shown key={id} shown={value} approval={approval} base={base} error={error} again={shown.again} />;
}

function Bar({ children }: { children?: ReactNode }): ReactNode {
  return (
    <header className="bar">
      <Link to="/" search={{ tab: "call" }} className="dim">
        ← your call
      </Link>
      <span className="grow" />
      {children}
    </header>
  );
}

interface ShownProps {
  /** With the base that was requested. The diff on the screen is against it. */
  shown: Output<"show"> & { from: Base };
  approval: Output<"show">["approval"];
  base: Base;
  /** Why the last refresh failed. */
  error: string | undefined;
  again: () => Promise<void>;
}

function Shown({ shown, approval, base, error, again }: ShownProps): ReactNode {
  const { files } = shown;
  const search = useSearch({ from: "/approval/$id" });
  const navigate = useNavigate();
  const mode = search.view === "split" ? "split" : "unified";
  const shownFiles = useFiles(files);
  const unshown = files.filter(isUnshown).map((file) => file.path);
  const [accepted, setAccepted] = useState<ReadonlySet<string>>(new Set());
  const missing = unshown.filter((path) => !accepted.has(path)).length;
  const read = (path: string, after: number) => call("show_file", { id: approval.id, base: shown.from, path, after });
  const [isHelp, setHelp] = useState(false);
  const isPending = requestCan(approval, "approve");
  const bases: Partial<Record<Base, string>> = isPending ? PENDING_BASES : BASES;
  const isWritten = useUnsent(denyDraft(approval.id));
  const change = (next: { base?: string; view?: string }): void =>
    void navigate({ to: "/approval/$id", params: { id: String(approval.id) }, search: { ...search, ...next }, replace: true });
  const keys: Key[] = [
    ...shownFiles.keys,
    {
      key: "a",
      words: "to ◆ APPR0VE; Enter then approves",
      // While files have to be accepted by name first, focus the first of them.
      run: () => document.querySelector<HTMLElement>("button.approve, .accept input:not(:checked)")?.focus(),
    },
    { key: "d", words: "deny, with a note", run: () => document.querySelector<HTMLElement>("button.deny")?.click() },
    { key: "v", words: "unified or side by side", run: () => change({ view: mode === "split" ? "unified" : "split" }) },
    { key: "u", words: "back to your call", run: () => void navigate({ to: "/", search: { tab: "call" } }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);

  // The diff must be against what runs. With another base the digest is undefined, so nothing can be approved unseen.
  const digest = shown.from === "decision" ? shown.approval.digest : undefined;
  const marked = shown.from === "decision" ? shown.approval : approval;
  const isOld = isPending && approval.digest !== undefined && shown.approval.digest !== approval.digest;
  return (
    <>
      <Bar>
        <button type="button" className="ghost wide" onClick={() => setHelp(true)}>
          j k move · a approve · d deny · ? keys
        </button>
        <button type="button" className="ghost narrow" aria-label="keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </Bar>
      <main className="review-page">
        <nav className="tree" aria-label="files">
          <FileTree files={files} go={shownFiles.go} />
        </nav>
        <div className="request">
          <div className="top">
            <h1>
              <span className="amber">
                {KIND_WORDS[approval.kind]} #{approval.id}
              </span>{" "}
              · <Subject name={approval.agent} />
            </h1>
            {approval.description && (
              <p className="body">
                <Words text={approval.description} />
              </p>
            )}
            <p className="dim">
              asked by {visible(approval.requested_by)} <Age since={approval.requested_at} /> ago
              {approval.sha && <> · {approval.sha.slice(0, 12)}</>}
              {shown.base_sha
                ? ` on top of ${shown.base_sha.slice(0, 12)}${base === "decision" && isPending ? ", which runs now" : ""}`
                : " · everything is new"}
            </p>
            <Marks marks={marked.risks} stat={marked.stat} />
            {error !== undefined && (
              <p className="red" role="alert">
                {error}
              </p>
            )}
            {!isPending && <Progress approval={approval} />}
            <EditAgain approval={approval} />
            {(isBeforeBuilt(approval.state) || approval.state === "failed") && <Build approval={approval} />}
            {isPending && unshown.length > 0 && (
              <Allowed to="approve">
                <Accept paths={unshown} accepted={accepted} accept={setAccepted} />
              </Allowed>
            )}
          </div>
          <ViewSwitch bases={bases} base={base} mode={mode} change={change} />
          <div className="files">
            {shownFiles.drawn.map((file) => (
              <FileDiff
                key={file.path}
                file={file}
                diff={`${shown.from} ${shown.base_sha ?? ""} ${shown.approval.sha ?? ""}`}
                mode={mode}
                isOpen={shownFiles.isOpen(file)}
                read={read}
                onToggle={shownFiles.toggle}
              />
            ))}
            <MoreFiles total={files.length} files={shownFiles} />
            {files.length === 0 && <p className="empty dim">Nothing differs from {bases[base]}.</p>}
          </div>
        </div>
      </main>
      {(isPending || isWritten) && (
        <div className="actbar">
          <ApproveBar
            approval={approval}
            digest={digest}
            unshown={unshown}
            blocked={missing > 0 && <Missing count={missing} />}
            instead={
              isOld ? (
                <>
                  <span className="amber">What runs has changed since this was read.</span>
                  <Action run={again}>look again</Action>
                </>
              ) : (
                base !== "decision" && (
                  <>
                    <span className="dim">compared with {bases[base]}, for reading</span>
                    <button type="button" onClick={() => change({ base: "decision" })}>
                      compare with what runs, to decide
                    </button>
                  </>
                )
              )
            }
          />
        </div>
      )}
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <span className="sr" aria-live="polite">
        {isPending ? "" : `request ${approval.id} is ${approval.state}`}
      </span>
    </>
  );
}

/** A link to the editor with the files of a config change that does not run: to correct them and propose them again. */
function EditAgain({ approval }: { approval: ApprovalView }): ReactNode {
  const { id, agent, kind, state } = approval;
  const isThere = useHive((hive) => hive.agents.get(agent)?.destroyed === false);
  const hasEnded = isTerminal(state) && state !== "deployed";
  if (!isThere || kind !== "apply_commit" || !(hasEnded || requestCan(approval, "approve"))) return null;
  return (
    <Allowed to="propose">
      <p>
        <Link to="/" search={{ open: `config:${agent}:${id}` }} className="edit-again">
          edit again…
        </Link>
      </p>
    </Allowed>
  );
}
