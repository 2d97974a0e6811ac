import { useCallback, useState, type ReactNode } from "react";
import type { Output } from "../../src/wire/operations.ts";
import { FileDiff } from "../diff/file.tsx";
import { MoreFiles, useFiles } from "../diff/files.tsx";
import { ActionButton, useAction } from "../kit/button.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { visible } from "../lib/text.ts";

/** What an agent has changed in its workspaces since they parted from their bases, committed or not. */
export function WorkspaceChanges({ name }: { name: string }): ReactNode {
  const { value, error } = useFetched(useCallback(() => call("workspaces", { name }), [name]));
  const [chosen, setChosen] = useState<string>();
  if (error !== undefined) return <Empty>{visible(error)}</Empty>;
  if (!value) return <Empty>loading…</Empty>;
  const repos = value.workspaces.map(({ repo }) => repo);
  const repo = repos.find((one) => one === chosen) ?? repos[0];
  if (repo === undefined)
    return <Empty>{visible(name)} has no workspace: no repository is in its config, or it has not started yet.</Empty>;
  return (
    <section className="files" aria-label={`changes of ${name}`}>
      <Comparison key={repo} name={name} repo={repo}>
        {repos.length > 1 && (
          <select aria-label="workspace" value={repo} onChange={(event) => setChosen(event.target.value)}>
            {repos.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        )}
      </Comparison>
    </section>
  );
}

function Comparison({ name, repo, children }: { name: string; repo: string; children: ReactNode }): ReactNode {
  const load = useCallback(() => call("workspace_diff", { name, repo }), [name, repo]);
  const { value, error, again } = useFetched(load);
  const refresh = useAction(again);
  return (
    <>
      <div className="crumbs">
        {children}
        <span className="dim">{value ? against(repo, value) : visible(repo)}</span>
        <span className="grow" />
        <ActionButton action={refresh} kind="ghost">
          refresh
        </ActionButton>
      </div>
      {error !== undefined ? (
        <Empty>{visible(error)}</Empty>
      ) : value ? (
        <Diff name={name} repo={repo} shown={value} />
      ) : (
        <Empty>comparing…</Empty>
      )}
    </>
  );
}

const against = (repo: string, { base, from }: Output<"workspace_diff">): string =>
  visible(`${repo} against ${base}${from === undefined ? ", which has no commit" : ` at ${from.slice(0, 7)}`}`);

function Diff({ name, repo, shown }: { name: string; repo: string; shown: Output<"workspace_diff"> }): ReactNode {
  const { files, left_out: leftOut, from } = shown;
  const list = useFiles(files);
  const read = useCallback((path: string, after: number) => call("workspace_file", { name, repo, path, after }), [name, repo]);
  if (files.length === 0 && leftOut.length === 0) return <Empty>Nothing differs from the base.</Empty>;
  return (
    <div className="scroll">
      {list.drawn.map((file) => (
        <FileDiff
          key={file.path}
          file={file}
          diff={from ?? ""}
          mode="unified"
          isOpen={list.isOpen(file)}
          onToggle={list.toggle}
          read={read}
        />
      ))}
      <MoreFiles total={files.length} files={list} />
      {leftOut.length > 0 && (
        <section aria-label="not compared">
          <p className="amber">Not compared:</p>
          <ul className="plain">
            {leftOut.map(({ path, kind }) => (
              <li key={path}>
                {visible(path)} <span className="dim">{kind}</span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
}
