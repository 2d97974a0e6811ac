import { Link } from "@tanstack/react-router";
import { useCallback, useState, type ReactNode } from "react";
import type { DeployRow } from "../../src/wire/approval.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { Empty } from "../kit/panel.tsx";
import { Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { toast } from "../kit/toast.tsx";
import { call } from "../lib/api.ts";
import { STATE_WORDS, short } from "../lib/approvals.ts";
import { useFetched } from "../lib/fetched.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Requests per page. */
const PAGE = 50;

/**
 * The finished requests of an agent, newest first, or the `newest` of them. Each deployed one can be rolled back to.
 */
export function Deploys({ name, newest }: { name: string; newest?: number }): ReactNode {
  const approvals = useHive((state) => state.approvals);
  const limit = newest ?? PAGE;
  // Fetch again when a request of this agent finishes.
  const settled = [...approvals.values()].filter((one) => one.agent === name && one.resolved_at !== undefined);
  const mark = settled.map((one) => `${one.id}${one.state}`).join();
  const { value, error } = useFetched(
    useCallback(() => call("deploys", { agent: name, limit }), [name, limit]),
    mark,
  );
  const [older, setOlder] = useState<{ rows: readonly DeployRow[]; more: boolean }>();
  const [asked, setAsked] = useState<DeployRow>();
  if (!value) return <Empty>{error ?? "loading…"}</Empty>;
  if (value.deploys.length === 0) return <Empty>{visible(name)} has not been deployed through a request yet.</Empty>;
  const last = value.deploys.at(-1)?.id ?? 0;
  const rows = [...value.deploys, ...(older?.rows ?? []).filter(({ id }) => id < last)];
  const showOlder = async (): Promise<void> => {
    const next = await call("deploys", { agent: name, limit, before: rows.at(-1)?.id ?? last });
    setOlder({ rows: [...(older?.rows ?? []), ...next.deploys], more: next.more === true });
  };
  return (
    <>
      <ul className="deploys">
        {rows.map((one) => (
          <li key={one.id}>
            <Link to="/approval/$id" params={{ id: String(one.id) }} className={STATE_WORDS[one.state].colour}>
              {one.state}/{one.id}
            </Link>{" "}
            {one.sha && <span>{short(one.sha)}</span>}{" "}
            <span className="faint">
              <Age since={one.at} /> · {one.origin.replace("_", " ")} by {visible(one.by)}
            </span>{" "}
            {one.runs && <span className="chip green">runs now</span>}
            {one.state === "deployed" && !one.runs && (
              <Allowed to="rollback">
                <button type="button" className="ghost" onClick={() => setAsked(one)}>
                  roll back here…
                </button>
              </Allowed>
            )}
            {one.description && (
              <div className="dim">
                <Words text={one.description} />
              </div>
            )}
            {one.error && (
              <div className="red">
                <Words text={firstLines(one.error)} />
              </div>
            )}
          </li>
        ))}
      </ul>
      {newest === undefined && (older?.more ?? value.more) === true && (
        <Action kind="ghost" run={showOlder}>
          older
        </Action>
      )}
      <Confirm
        isOpen={asked !== undefined}
        onClose={() => setAsked(undefined)}
        title={`roll ${name} back to deployed/${asked?.id ?? ""}?`}
        words="It is a deploy with an id of its own: what runs now stays in the history, and can be gone back to."
      >
        <Action
          kind="go"
          run={async () => {
            if (!asked) return;
            const { request } = await call("rollback", { agent: name, id: asked.id });
            setAsked(undefined);
            toast(`request ${request} rolls ${name} back`);
          }}
        >
          roll back
        </Action>
      </Confirm>
    </>
  );
}

const firstLines = (text: string): string => text.trim().split("\n").slice(0, 3).join("\n");
