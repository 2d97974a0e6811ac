import type { ReactNode } from "react";
import { pullWords } from "../../src/wire/pull-words.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { visible } from "../lib/text.ts";

/** The pull request of a change, with a link to its page, and why the last call to its host did not work. */
export function PullRequest({ change: { pull_request: pull } }: { change: ChangeView }): ReactNode {
  if (pull === undefined) return null;
  return (
    <div className="pull">
      <p>
        {pullWords(pull)}
        {pull.url === undefined ? (
          <span className="dim"> · {visible(pull.branch)}</span>
        ) : (
          <>
            {" · "}
            <a href={pull.url} target="_blank" rel="noopener noreferrer">
              {visible(pull.url)}
            </a>
          </>
        )}
      </p>
      {pull.failed !== undefined && <p className="amber">it is tried again: {visible(pull.failed)}</p>}
    </div>
  );
}
