import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { isChangeOver, isOnItsWay, type ChangeState } from "../../src/wire/change-states.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { Subject } from "../approval/card.tsx";
import { Folded } from "../kit/folded.tsx";
import { Marks } from "../kit/marks.tsx";
import { Prose } from "../kit/prose.tsx";
import { Steps } from "../kit/steps.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { changeName } from "../lib/changes.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { ChangeBadge } from "./change-row.tsx";
import { queueOf } from "./groups.ts";
import { Veto } from "./veto.tsx";
import { PullRequest } from "./pull-request.tsx";
import { Check } from "./check-log.tsx";
import { CheckBadge, CheckResult } from "./early-check.tsx";

/** The way of a change that is not sent back. */
const START: readonly ChangeState[] = ["proposed", "approved", "queued", "merging", "checking"];
const PATH: readonly ChangeState[] = [...START, "pushing", "merged"];
const PULL_PATH: readonly ChangeState[] = [...START, "in_pull_request", "merged"];

/** Who proposes what, for which branch, and how far it is. */
export function ChangeTop({ change, shownBase }: { change: ChangeView; shownBase: string | undefined }): ReactNode {
  const { repo, agent, branch, base, round, title, body, sha } = change;
  return (
    <>
      <h1>
        <Link to="/work/$repo" params={{ repo }} className="amber">
          {visible(changeName(change))}
        </Link>{" "}
        · {visible(title)}
      </h1>
      <p className="dim">
        {agent === "operator" ? <Who name={agent} /> : <Subject name={agent} />} · {visible(branch)} →{" "}
        <span className="cyan">{visible(base)}</span> · {sha.slice(0, 12)}
        {shownBase !== undefined && ` on top of ${shownBase.slice(0, 12)}`}
      </p>
      <p className="l1">
        <ChangeBadge change={change} />
        <CheckBadge change={change} />
        {round > 1 && <span className="chip">round {round}</span>}
        <span className="dim">
          proposed <Age since={change.proposed_at} /> ago
        </span>
      </p>
      {body.trim() !== "" && (
        <div className="body">
          <Folded text={body}>{(shown) => <Prose text={shown} />}</Folded>
        </div>
      )}
      <Marks marks={change.marks} stat={change.stat} />
      <Course change={change} />
      <PullRequest change={change} />
      <CheckResult change={change} />
      <Check change={change} />
    </>
  );
}

/** Where the change is on its way, or how it came back or ended. */
function Course({ change }: { change: ChangeView }): ReactNode {
  const { id, state, note, reason, merged_sha: merged, decided_by: by } = change;
  const isPulled = useHive((known) => (known.repos.get(change.repo)?.forge ?? "none") !== "none") || state === "in_pull_request";
  const path = isPulled && state !== "pushing" ? PULL_PATH : PATH;
  const isUnderWay = isOnItsWay(state);
  return (
    <>
      {isUnderWay && (
        <div className="way">
          <Steps steps={path.map((one) => one.replaceAll("_", " "))} at={path.indexOf(state)} label={`change ${id}: ${state}`} />
          <QueuePlace change={change} />
          <Veto change={change} />
        </div>
      )}
      <div className="ended">
        {by !== undefined && state !== "proposed" && (
          <p className="dim">
            decided by {visible(by)}
            {change.decided_at !== undefined && (
              <>
                {" "}
                <Age since={change.decided_at} /> ago
              </>
            )}
            {merged !== undefined && ` · merged as ${merged.slice(0, 12)}`}
          </p>
        )}
        {note !== undefined && note !== "" && (
          <p>
            {state === "proposed" && <span className="dim">note on an earlier round: </span>}“<Words text={note} />”
          </p>
        )}
        {reason !== undefined && reason !== "" && (
          <Folded text={reason}>
            {(shown) => (
              <pre className={isChangeOver(state) || isUnderWay ? "error-text dim" : "error-text"}>
                <Words text={shown} />
              </pre>
            )}
          </Folded>
        )}
      </div>
    </>
  );
}

/** What is before it in its merge queue, and why the queue stands still. */
function QueuePlace({ change }: { change: ChangeView }): ReactNode {
  const queue = useHive((state) => queueOf(state.repos.get(change.repo), change.base));
  if (!queue || change.state !== "queued") return null;
  const before = queue.waiting.indexOf(change.id) + (queue.change === undefined ? 0 : 1);
  return (
    <p className="dim">
      {before <= 0 ? "the next one" : before === 1 ? "1 change is before it" : `${before} changes are before it`}
      {(queue.state === "paused" || queue.state === "stopped") && (
        <span className="amber">
          {" "}
          · the queue is {queue.state}
          {queue.state === "stopped" && queue.reason !== undefined && `: ${visible(queue.reason)}`}
        </span>
      )}
    </p>
  );
}
