import { useState, type ReactNode } from "react";
import type { DivergenceView, Reconciliation } from "../../src/wire/divergence.ts";
import type { RepoView } from "../../src/wire/work.ts";
import { PushNow } from "./push-line.tsx";
import { AllowedOrWhy } from "../kit/allowed.tsx";
import { ActionButton, Action, useAction } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Carries out what the operator chose, and says where the base is now. */
async function reconcile(name: string, base: string, by: Reconciliation, seen?: DivergenceView): Promise<string> {
  const tips = seen === undefined ? {} : { ours: seen.ours.tip, upstream: seen.upstream.tip };
  const { repo, to } = await call("repo_reconcile", { name, base, by, ...tips });
  knowRepo(repo);
  return `${base} is at ${short(to)}`;
}

/** What can be done with a base that has diverged from its upstream. */
export function Diverged({ repo: { name, push }, base }: { repo: RepoView; base: string }): ReactNode {
  const [view, setView] = useState<DivergenceView>();
  const look = useAction(async () => setView(await call("repo_divergence", { name, base })));
  return (
    <div className="diverged" role="group" aria-label={visible(`${base} has diverged`)}>
      <p className="small dim">
        The hive and the folder each have commits that the other lacks. A merge is made without the check. Or run{" "}
        <code>git pull hive {visible(base)}</code> in the folder, then fetch.
        {push !== "never" && ` “push ours” writes the hive’s side to the folder, as hive/${visible(base)}, to be merged there.`}
      </p>
      <AllowedOrWhy to="repo_reconcile">
        <div className="foot">
          <Action kind="go" run={() => reconcile(name, base, "merge")}>
            merge upstream
          </Action>
          {push !== "never" && <PushNow name={name} base={base} words="push ours" />}
          <ActionButton kind="no" action={look}>
            reset to upstream…
          </ActionButton>
        </div>
      </AllowedOrWhy>
      {view && (
        <Confirm
          isOpen
          onClose={() => setView(undefined)}
          title={`reset ${visible(base)} to ${short(view.upstream.tip)}?`}
          words={<Losses view={view} />}
        >
          <Action
            kind="no"
            run={async () => {
              const words = await reconcile(name, base, "reset", view);
              setView(undefined);
              return words;
            }}
          >
            reset
          </Action>
        </Confirm>
      )}
    </div>
  );
}

/** What a reset takes out of a base. */
function Losses({ view: { base, ours, changes, undone } }: { view: DivergenceView }): ReactNode {
  const commits = ours.commits.map(({ sha, subject }) => `${short(sha)} ${subject}`);
  return (
    <>
      {`${ours.count === 1 ? "1 commit leaves" : `${ours.count} commits leave`} ${visible(base)}. The old tip is kept: the terminal’s “repo reconcile … undo” goes back to it.`}
      <Listed title="merged changes" lines={changes.map((one) => `#${one.id} ${one.title}`)} count={undone} />
      <Listed title="commits" lines={commits} count={ours.count} />
    </>
  );
}

function Listed({ title, lines, count }: { title: string; lines: readonly string[]; count: number }): ReactNode {
  if (count === 0) return null;
  return (
    <span className="losses" role="list" aria-label={title} tabIndex={0}>
      {lines.map((line, n) => (
        <span key={n} role="listitem">
          {visible(line)}
        </span>
      ))}
      {count > lines.length && <span role="listitem">{`and ${count - lines.length} more`}</span>}
    </span>
  );
}
