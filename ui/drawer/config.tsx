import { useCallback, useRef, useState, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import type { Output } from "../../src/wire/operations.ts";
import { useMay } from "../kit/allowed.tsx";
import { ActionButton, useAction } from "../kit/button.tsx";
import { Empty } from "../kit/panel.tsx";
import { TextBox } from "../kit/text-box.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { useDraft } from "../lib/draft.ts";
import { useFetched } from "../lib/fetched.ts";
import { toBase64 } from "../lib/propose.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Up to this many files are tabs; more become a list. */
const MAX_TABS = 8;

type File = Output<"config">["files"][number];

/**
 * The files of the deployed config, or with `from` those of an earlier request, to be corrected. The operator can propose
 * a change, which then waits like any other request.
 */
export function Config({ name, from }: { name: string; from?: number | undefined }): ReactNode {
  const sha = useHive((state) => state.agents.get(name)?.deployed_sha);
  const { value, error } = useFetched(
    useCallback(() => call("config", { name, ...(from === undefined ? {} : { request: from }) }), [name, from]),
    sha,
  );
  const [chosen, setChosen] = useState("agent.json");
  const key = from === undefined ? name : `${name}:${from}`;
  const [draft, setDraft] = useDraft(`config:${key}`);
  const [description, setDescription] = useDraft(`config-why:${key}`);
  // What the last proposal was refused for. It stays until a proposal is accepted or the draft is discarded.
  const [refused, setRefused] = useDraft(`config-refused:${key}`);
  const [sent, setSent] = useState<number>();
  const mayPropose = useMay("propose");
  // A request is opened to be edited.
  const edited = !mayPropose
    ? undefined
    : draft === ""
      ? from === undefined || sent !== undefined
        ? undefined
        : {}
      : (JSON.parse(draft) as Record<string, string>);
  const files = value?.files ?? [];
  const file = files.find((one) => one.path === chosen) ?? files[0];
  const textOf = (one: File): string => edited?.[one.path] ?? one.text;
  const changed = files.filter((one) => edited?.[one.path] !== undefined && edited[one.path] !== one.text);
  const discard = (): void => {
    setDraft("");
    setDescription("");
    setRefused("");
  };
  const propose = async (): Promise<void> => {
    const answer = await call("propose", {
      agent: name,
      // Files that are not edited stay byte for byte: programs, links, and files that are not text.
      files: files.map((one) => ({
        path: one.path,
        ...(one.mode === undefined ? {} : { mode: one.mode }),
        base64: one.base64 ?? toBase64(textOf(one)),
      })),
      ...(description.trim() === "" ? {} : { description: description.trim() }),
    });
    // A request that fails its check keeps the draft.
    if (answer.refused !== undefined) return setRefused(answer.refused);
    discard();
    setSent(answer.request);
    toast(`request ${answer.request} waits for you`);
  };
  /** "edit…" was pressed: the editor takes the focus when it appears. */
  const isBeginning = useRef(false);
  const hasNews = changed.length > 0 || from !== undefined;
  const send = useAction(async () => {
    try {
      await propose();
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      setRefused(problem.message);
    }
  }, hasNews);
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  return (
    <>
      <div className="foot">
        {files.length > MAX_TABS ? (
          <label className="field">
            file
            <select value={file?.path} onChange={(event) => setChosen(event.target.value)}>
              {files.map((one) => (
                <option key={one.path} value={one.path}>
                  {visible(one.path)}
                  {changed.includes(one) ? " *" : ""}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <div className="foot" role="tablist" aria-label="files">
            {files.map((one) => (
              <button
                key={one.path}
                type="button"
                role="tab"
                aria-selected={one === file}
                className="ghost"
                onClick={() => setChosen(one.path)}
              >
                {visible(one.path)}
                {changed.includes(one) ? " *" : ""}
              </button>
            ))}
          </div>
        )}
        <span className="grow" />
        {sha && <span className="chip sha">{visible(sha)}</span>}
        {edited === undefined && mayPropose && (
          <button
            type="button"
            className="ghost"
            onClick={() => {
              isBeginning.current = true;
              setDraft("{}");
            }}
          >
            edit…
          </button>
        )}
      </div>
      {sent !== undefined && (
        <p className="green small">
          Proposed.{" "}
          <Link to="/approval/$id" params={{ id: String(sent) }}>
            Look at request {sent}
          </Link>{" "}
          and decide.
        </p>
      )}
      {refused !== "" && <Refused words={refused} />}
      {edited === undefined || !file || file.base64 !== undefined ? (
        <pre className="file" role="tabpanel" aria-label={visible(file?.path ?? "no file")} tabIndex={0}>
          {file?.text === "" ? <span className="faint">(empty)</span> : visible(file?.text ?? "")}
        </pre>
      ) : (
        <>
          <textarea
            ref={(at) => {
              if (isBeginning.current) at?.focus();
              isBeginning.current = false;
            }}
            className="file edit"
            aria-label={visible(`text of ${file.path}`)}
            spellCheck={false}
            value={textOf(file)}
            onChange={(event) => setDraft(JSON.stringify({ ...edited, [file.path]: event.target.value }))}
          />
          <label className="field">
            what for
            <TextBox
              rows={1}
              value={description}
              onText={setDescription}
              onEnter={send.act}
              placeholder="one line for the history"
            />
          </label>
          <div className="foot">
            <ActionButton kind="go" disabled={!hasNews} action={send}>
              {changed.length === 0 && from !== undefined
                ? `propose #${from} again`
                : `propose ${changed.length === 1 ? "1 file" : `${changed.length} files`}`}
            </ActionButton>
            <button type="button" className="ghost" onClick={discard}>
              discard
            </button>
            <span className="dim small">nothing runs before you have approved it</span>
          </div>
        </>
      )}
    </>
  );
}

/** What a proposal was refused for: a line for each problem. */
function Refused({ words }: { words: string }): ReactNode {
  return (
    <div className="refused" role="alert">
      <p className="red">Refused. Correct this and propose again:</p>
      <ul>
        {words.split("\n").map((line) => (
          <li key={line}>{visible(line)}</li>
        ))}
      </ul>
    </div>
  );
}
