import type { ReactNode } from "react";
import type { PushView, RepoView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { knowRepo } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** The branch of a base in the folder that its repository follows. A push that failed says why, and is tried again. */
export function PushLine({ repo: { name }, push: { base, state, reason, sha } }: { repo: RepoView; push: PushView }): ReactNode {
  return (
    <div className="push-line">
      <p className={`small ${state === "failed" ? "red" : "dim"}`} {...(state === "failed" ? { role: "alert" } : {})}>
        <code>hive/{visible(base)}</code> in the folder{" "}
        {state === "failed"
          ? `is not up to date: ${visible(reason ?? "")}`
          : state === "pushing"
            ? "is being written"
            : `is at ${short(sha ?? "")}`}
      </p>
      {state === "failed" && <PushNow name={name} base={base} words="try again" />}
    </div>
  );
}

/** Writes a base to the folder. */
export function PushNow({ name, base, words }: { name: string; base: string; words: string }): ReactNode {
  return (
    <Allowed to="repo_push">
      <Action
        run={async () => {
          const { repo, branch, sha } = await call("repo_push", { name, base });
          knowRepo(repo);
          return `${branch} in the folder is at ${short(sha)}`;
        }}
      >
        {words}
      </Action>
    </Allowed>
  );
}
