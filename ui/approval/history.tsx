import { requestCan } from "../../src/wire/request-states.ts";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { Action } from "../kit/button.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { Marks } from "../kit/marks.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { STATE_WORDS } from "../lib/approvals.ts";
import { useFetched } from "../lib/fetched.ts";
import { moveFocus, useKeys, type Key } from "../lib/keys.ts";
import { useNoteSeenDeploy } from "../lib/seen-deploy.ts";
import { knowApprovals, useHive } from "../lib/store.ts";
import { ApprovalHead } from "./card.tsx";
import { Progress } from "./progress.tsx";

/** Requests per page. */
const PAGE = 50;
const first = () => call("approvals", { limit: PAGE });

function countWords(count: number, isAll: boolean): string {
  if (!isAll) return `the newest ${count} requests`;
  return count === 1 ? "1 request" : `${count} requests`;
}

/** Every past request: agent, decision and result. */
export function HistoryPage(): ReactNode {
  const known = useHive((state) => state.approvals);
  const { value, error } = useFetched(first);
  const [isAll, setAll] = useState(false);
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  const keys: Key[] = [
    { key: "j", words: "next request", run: () => moveFocus(".history .card", 1) },
    { key: "k", words: "previous request", run: () => moveFocus(".history .card", -1) },
    {
      key: "o",
      words: "open the request",
      run: () => document.activeElement?.closest(".card")?.querySelector("a")?.click(),
    },
    { key: "u", words: "back to your call", run: () => void navigate({ to: "/", search: { tab: "call" } }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  useNoteSeenDeploy();
  useEffect(() => {
    document.title = "history · hyperhive";
  }, []);
  useEffect(() => {
    if (!value) return;
    knowApprovals(value.approvals);
    setAll(value.more !== true);
  }, [value]);
  const rows = useMemo(() => [...known.values()].sort((a, b) => b.id - a.id), [known]);
  const older = async (): Promise<void> => {
    const last = rows.at(-1);
    const { approvals, more } = await call("approvals", { limit: PAGE, ...(last ? { before: last.id } : {}) });
    knowApprovals(approvals);
    setAll(more !== true);
  };
  return (
    <>
      <header className="bar">
        <Link to="/" search={{ tab: "call" }} className="dim">
          ← your call
        </Link>
        <h1>history</h1>
        <span className="grow" />
        <span className="dim">{value ? countWords(rows.length, isAll) : ""}</span>
        <button type="button" className="ghost" aria-label="keys" title="keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </header>
      <main className="history" role="list" aria-label="requests">
        {error !== undefined && <Empty>{error}</Empty>}
        {value && rows.length === 0 && (
          <Empty>
            No requests yet. The manager makes requests, and so do you with “request spawn” on the dashboard. Nothing changes
            before you approve.
          </Empty>
        )}
        {rows.map((approval) => (
          <article key={approval.id} className="card" role="listitem" tabIndex={-1} data-state={approval.state}>
            <ApprovalHead approval={approval} />
            <Marks marks={approval.risks} stat={approval.stat} />
            {requestCan(approval, "approve") ? (
              <p className={STATE_WORDS.pending.colour}>{STATE_WORDS.pending.words}</p>
            ) : (
              <Progress approval={approval} />
            )}
          </article>
        ))}
        {value && rows.length > 0 && !isAll && <Action run={older}>older</Action>}
      </main>
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
    </>
  );
}
