import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { ChangeView } from "../../src/wire/work.ts";
import { Folded } from "../kit/folded.tsx";
import { Marks } from "../kit/marks.tsx";
import { Prose } from "../kit/prose.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { changeName } from "../lib/changes.ts";
import { visible } from "../lib/text.ts";

/** A proposed change on the dashboard. It is decided on its page, which shows the diff. */
export function ChangeCard({ change }: { change: ChangeView }): ReactNode {
  const { id, agent, branch, base, title, body, round } = change;
  const name = changeName(change);
  return (
    <article className="card change" tabIndex={-1} aria-label={visible(`change ${id}: ${name} of ${agent}`)}>
      <div>
        <Link to="/change/$id" params={{ id: String(id) }} className="amber">
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
            <Folded text={body}>{(shown) => <Prose text={shown} />}</Folded>
          </div>
        )}
      </div>
      <Marks marks={change.marks} stat={change.stat} />
      <div className="foot">
        <Link to="/change/$id" params={{ id: String(id) }} className="full read-on">
          review the change
        </Link>
      </div>
    </article>
  );
}
