import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState, type ReactNode } from "react";
import { changeCan } from "../../src/wire/change-states.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import type { Shown } from "../diff/mini.tsx";
import { Folded } from "../kit/folded.tsx";
import { Marks } from "../kit/marks.tsx";
import { Prose } from "../kit/prose.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { changeName, stateWords } from "../lib/changes.ts";
import { visible } from "../lib/text.ts";
import { ChangeBar } from "../work/change-bar.tsx";
import { CheckBadge } from "../work/early-check.tsx";
import { Veto } from "../work/veto.tsx";

/** Loaded after the page is drawn: the diff code comes with the first card. */
const Preview = lazy(() => import("../work/change-preview.tsx").then(({ ChangePreview: component }) => ({ default: component })));

/** A change on the dashboard that waits for the operator. It is approved here if the card shows all of its diff. */
export function ChangeCard({ change }: { change: ChangeView }): ReactNode {
  const { id, agent, branch, base, title, body, round } = change;
  const name = changeName(change);
  const [shown, setShown] = useState<Shown>();
  const page = { to: "/change/$id", params: { id: String(id) } } as const;
  const canApprove = changeCan(change, "approve");
  const isShown = shown?.digest === change.digest && shown.sha === change.sha;
  return (
    <article className="card change" tabIndex={-1} aria-label={visible(`change ${id}: ${name} of ${agent}`)}>
      <div>
        <Link {...page} className="amber">
          {visible(name)}
        </Link>{" "}
        · <Who name={agent} />{" "}
        <span className="dim">
          {visible(branch)} → {visible(base)}
          {round > 1 && `, round ${round}`}, <Age since={change.updated_at} /> ago
        </span>
        <p className="body">
          <b>{visible(title)}</b>
        </p>
        {body.trim() !== "" && (
          <div className="body dim">
            <Folded text={body}>{(text) => <Prose text={text} />}</Folded>
          </div>
        )}
      </div>
      <Veto change={change} />
      <CheckBadge change={change} />
      <Marks marks={change.marks} stat={change.stat} />
      {canApprove && (
        <Suspense fallback={<div className="mini faint reading">reading the diff…</div>}>
          <Preview change={change} onShown={setShown} />
        </Suspense>
      )}
      {!canApprove && <p className="dim">{stateWords(change)}</p>}
      <ChangeBar
        change={change}
        seen={isShown ? change : undefined}
        unshown={[]}
        blocked={
          shown?.isWhole === false && (
            <Link {...page} className="full read-on">
              read the whole diff to decide
            </Link>
          )
        }
        drafts={change.comments.draft}
      >
        {!(canApprove && shown?.isWhole === false) && (
          <Link {...page} className="ghost full">
            review the change
          </Link>
        )}
      </ChangeBar>
    </article>
  );
}
