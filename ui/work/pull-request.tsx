import type { ReactNode } from "react";
import { isRehearsedPage, REHEARSED_WORDS } from "../../src/wire/address-kinds.ts";
import { pullWords } from "../../src/wire/pull-words.ts";
import type { ChangeView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { call } from "../lib/api.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** The pull request of a change, with a link to its page, and why the last call to its host did not work. */
export function PullRequest({ change: { repo, pull_request: pull } }: { change: ChangeView }): ReactNode {
  if (pull === undefined) return null;
  const look = async (): Promise<void> => {
    const { repo: now } = await call("repo_fetch", { name: repo });
    knowRepo(now);
  };
  return (
    <div className="pull">
      <p>
        {pullWords(pull)}
        {pull.url === undefined ? (
          <span className="dim"> · {visible(pull.branch)}</span>
        ) : isRehearsedPage(pull.url) ? (
          <span className="dim">
            {" "}
            · {visible(pull.url)} · {REHEARSED_WORDS}
          </span>
        ) : (
          <>
            {" · "}
            <a href={pull.url} target="_blank" rel="noopener noreferrer">
              {visible(pull.url)}
            </a>
          </>
        )}
      </p>
      {pull.state === "open" && (
        <Allowed to="repo_fetch">
          <Action run={look}>look now</Action>
        </Allowed>
      )}
      {pull.failed !== undefined && <p className="amber">it is tried again: {visible(pull.failed)}</p>}
    </div>
  );
}
