import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { CHANGE_WORDS } from "../../src/wire/change-states.ts";
import type { QueueView, RepoView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { knowRepo, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

const COLOURS: Record<QueueView["state"], string> = { idle: "dim", busy: "mauve", paused: "amber", stopped: "red" };
const waits = (n: number): string => (n === 1 ? "1 change waits" : `${n} changes wait`);

/** What a merge queue does now, and for how long. */
export function QueueLine({ queue }: { queue: QueueView }): ReactNode {
  const { base, state, reason, change: id, since, waiting } = queue;
  const change = useHive((hive) => (id === undefined ? undefined : hive.changes.get(id)));
  return (
    <p className="queue-line">
      <span className="cyan">{visible(base)}</span>{" "}
      {id === undefined ? (
        <span className={COLOURS[state]}>{state}</span>
      ) : (
        <>
          <span className="mauve">{change ? CHANGE_WORDS[change.state] : state}</span>{" "}
          <Link to="/change/$id" params={{ id: String(id) }} className="inline">
            #{id}
            {change && ` ${visible(change.title)}`}
          </Link>{" "}
          {since !== undefined && (
            <span className="dim">
              for <Age since={since} />
            </span>
          )}
          {(state === "paused" || state === "stopped") && <span className={COLOURS[state]}> · then {state}</span>}
        </>
      )}
      {state === "stopped" && reason !== undefined && reason !== "" && <span className="red">: {visible(reason)}</span>}
      {waiting.length > 0 && <span className="dim"> · {waits(waiting.length)}</span>}
    </p>
  );
}

/** Pauses a queue, or lets it go on. */
export function PauseQueue({ repo, queue: { base, state } }: { repo: RepoView; queue: QueueView }): ReactNode {
  const isHalted = state === "paused" || state === "stopped";
  return (
    <Allowed to="queue_pause">
      <Action
        {...(isHalted ? { kind: "go" as const } : {})}
        run={async () => {
          const { repo: now } = await call("queue_pause", { name: repo.name, base, paused: !isHalted });
          knowRepo(now);
          return isHalted ? `the queue of ${base} goes on` : `the queue of ${base} is paused; what is being merged ends`;
        }}
      >
        {isHalted ? "go on" : "pause"}
      </Action>
    </Allowed>
  );
}
