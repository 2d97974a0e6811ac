import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CHANGE_WORDS, isBeingMerged } from "../../src/wire/change-states.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { Allowed, useMay } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { CHANGE_COLOURS, changeName } from "../lib/changes.ts";
import { knowChanges, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { CheckBadge } from "./early-check.tsx";
import { nextOf, type Next } from "./groups.ts";
import { Veto } from "./veto.tsx";

/** A change's state and how long it has lasted. */
export function ChangeBadge({ change: { state, updated_at: since } }: { change: ChangeView }): ReactNode {
  return (
    <span className={`chip ${CHANGE_COLOURS[state]}`}>
      {isBeingMerged(state) && <span className="dot live" aria-hidden="true" />}
      {CHANGE_WORDS[state]} <Age since={since} />
    </span>
  );
}

/** A change in a list: title, state, agent, branch and size, with its next action. */
export function ChangeRow({ change, isOfRepo = false }: { change: ChangeView; isOfRepo?: boolean }): ReactNode {
  const { id, title, agent, branch, base, stat, comments, reason } = change;
  return (
    <article className="row change-row" tabIndex={-1} aria-label={visible(`change ${id}: ${title}`)}>
      <div className="l1">
        <Link to="/change/$id" params={{ id: String(id) }} className="name" title={visible(title)}>
          {visible(`${isOfRepo ? `#${id}` : changeName(change)} ${title}`)}
        </Link>
        <span className="grow" />
        <NextAction change={change} />
      </div>
      <p className="dim">
        <ChangeBadge change={change} /> <CheckBadge change={change} /> <Who name={agent} /> {visible(branch)} → {visible(base)}
        {stat.added > 0 && <span className="green"> +{stat.added}</span>}
        {stat.removed > 0 && <span className="red"> −{stat.removed}</span>}
        {comments.open > 0 && (
          <span className="amber"> · {comments.open === 1 ? "1 open comment" : `${comments.open} open comments`}</span>
        )}
      </p>
      <Veto change={change} />
      {reason !== undefined && reason !== "" && (
        <p className="status dim" title={visible(reason)}>
          {visible(reason)}
        </p>
      )}
    </article>
  );
}

/** The one button of a change: what to do with it next. */
function NextAction({ change }: { change: ChangeView }): ReactNode {
  const repo = useHive((state) => state.repos.get(change.repo));
  const mayAct = useMay("change_approve");
  const next = nextOf(change, repo);
  if (!next) return null;
  if (next.kind === "link") {
    return (
      <Link
        to="/change/$id"
        params={{ id: String(change.id) }}
        search={next.isCheck === true ? { open: `check:${change.id}` } : {}}
        className={`ghost next ${change.state === "proposed" ? "waits" : ""}`}
      >
        {mayAct || next.isCheck === true ? next.words : "open"}
      </Link>
    );
  }
  return (
    <Allowed to={NEEDS[next.kind]}>
      <Action className="next" run={() => actNext(next, change)}>
        {next.words}
      </Action>
    </Allowed>
  );
}

/** The operation of each next action. */
const NEEDS = { retry: "change_retry", front: "change_to_front", dequeue: "change_dequeue" } as const;

async function actNext(next: Exclude<Next, { kind: "link" }>, change: ChangeView): Promise<string> {
  const input = { change: change.id };
  const { change: now } = await (next.kind === "retry"
    ? call("change_retry", input)
    : next.kind === "front"
      ? call("change_to_front", input)
      : call("change_dequeue", input));
  knowChanges([now]);
  const done = { retry: "is in the queue again", front: "is the next one", dequeue: "is out of the queue and not approved" };
  return `${changeName(change)} ${done[next.kind]}`;
}
