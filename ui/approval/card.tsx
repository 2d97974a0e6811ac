import { requestCan } from "../../src/wire/request-states.ts";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { KIND_WORDS } from "../../src/wire/words.ts";
import type { Shown } from "../diff/mini.tsx";
import { Marks } from "../kit/marks.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { short } from "../lib/approvals.ts";
import { useHive } from "../lib/store.ts";
import { denyDraft, useUnsent } from "../lib/unsent.ts";
import { ApproveBar } from "./bar.tsx";
import { Progress } from "./progress.tsx";
import { visible } from "../lib/text.ts";

/** Loaded after the page is drawn: the diff code comes with the first card. */
const Preview = lazy(() => import("./preview.tsx").then(({ Preview: component }) => ({ default: component })));

/** A request on the dashboard: agent, change, risks, the beginning of the diff, and the two buttons. */
export function ApprovalCard({ approval }: { approval: ApprovalView }): ReactNode {
  const { id, kind, agent } = approval;
  const [shown, setShown] = useState<Shown>();
  const isPending = requestCan(approval, "approve");
  // A request that was decided elsewhere keeps its card while it has unsent text.
  const isWritten = useUnsent(denyDraft(id));
  return (
    <article className="card approval" tabIndex={-1} aria-label={visible(`request ${id}: ${KIND_WORDS[kind]} for ${agent}`)}>
      <ApprovalHead approval={approval} />
      <Marks marks={approval.risks} stat={approval.stat} />
      {(isPending || isWritten) && (
        <Suspense fallback={<div className="mini faint reading">reading the diff…</div>}>
          <Preview approval={approval} onShown={setShown} />
        </Suspense>
      )}
      {(isPending || isWritten) && (
        <ApproveBar
          approval={approval}
          digest={shown?.digest}
          blocked={
            shown?.isWhole === false && (
              <Link to="/approval/$id" params={{ id: String(id) }} className="full read-on">
                read the whole {kind === "spawn" ? "config" : "diff"} to decide
              </Link>
            )
          }
        >
          {shown?.isWhole !== false && (
            <Link to="/approval/$id" params={{ id: String(id) }} className="ghost full">
              {kind === "spawn" ? "config" : "full diff"}
            </Link>
          )}
          {approval.base_sha && <span className="faint small">what runs: {short(approval.base_sha)}</span>}
        </ApproveBar>
      )}
      {!isPending && <Progress approval={approval} />}
    </article>
  );
}

/** The first lines of a request, for the card and the history. */
export function ApprovalHead({ approval }: { approval: ApprovalView }): ReactNode {
  return (
    <div>
      <Link to="/approval/$id" params={{ id: String(approval.id) }} className="amber">
        {KIND_WORDS[approval.kind]} #{approval.id}
      </Link>{" "}
      · <Subject name={approval.agent} />{" "}
      <span className="dim">
        {approval.origin === "request" || approval.origin === "proposal" ? "asked by" : `${approval.origin.replace("_", " ")} by`}{" "}
        {visible(approval.requested_by)}, <Age since={approval.requested_at} /> ago
      </span>
      {approval.description && (
        <p className="body">
          <Words text={approval.description} />
        </p>
      )}
    </div>
  );
}

/** The agent of a request: a link to its page once the agent exists. */
export function Subject({ name }: { name: string }): ReactNode {
  const isThere = useHive((state) => state.agents.has(name));
  if (!isThere) return <Who name={name} />;
  return (
    <Link to="/agent/$name" params={{ name }} aria-label={visible(`page of ${name}`)}>
      <Who name={name} />
    </Link>
  );
}
