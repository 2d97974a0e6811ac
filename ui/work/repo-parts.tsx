import { Link, useNavigate } from "@tanstack/react-router";
import { useCallback, useMemo, useState, type ReactNode } from "react";
import { isRehearsed, REHEARSED_WORDS } from "../../src/wire/address-kinds.ts";
import type { Output } from "../../src/wire/operations.ts";
import type { RemoteView, RepoView } from "../../src/wire/work.ts";
import { Allowed } from "../kit/allowed.tsx";
import { Action, ActionButton, useAction } from "../kit/button.tsx";
import { Hivectl } from "../kit/hivectl.tsx";
import { Confirm } from "../kit/lazy.tsx";
import { Empty } from "../kit/panel.tsx";
import { Age } from "../kit/time.tsx";
import { Who } from "../kit/text.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { useFetched } from "../lib/fetched.ts";
import { knowRepo, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { sizeText } from "../../src/wire/size-text.ts";
import { CheckHostKey, HostKey } from "./host-key.tsx";
import { LogIn } from "./log-in.tsx";

/** Where the repository comes from, who may use it, and how to clone it. */
export function About({ repo }: { repo: RepoView }): ReactNode {
  const { name, upstream, remote, agents, created_at: created } = repo;
  const fetchNow = async (): Promise<string> => {
    const { repo: now, moved, diverged, gone } = await call("repo_fetch", { name });
    knowRepo(now);
    if (diverged.length > 0) return `${diverged.join(", ")}: commits on both sides, the queue stops`;
    if (gone.length > 0) return `${gone.join(", ")}: gone from what it follows, the changes are stale`;
    return moved.length === 0 ? "nothing is new" : `moved: ${moved.map((one) => one.base).join(", ")}`;
  };
  return (
    <section className="part" aria-label="about">
      <h2 aria-label="facts">F4CTS</h2>
      <dl className="facts">
        <dt>follows</dt>
        <dd>
          {upstream === undefined ? "nothing: the hive’s copy is the only one" : visible(upstream)}
          {upstream !== undefined && isRehearsed(upstream) && <span className="dim"> · {REHEARSED_WORDS}</span>}
        </dd>
        {remote !== undefined && !isRehearsed(upstream ?? "") && <Remote repo={repo} remote={remote} />}
        <dt>agents</dt>
        <dd>
          {agents.length === 0 && <span className="dim">no agent’s config names it</span>}
          {agents.map((agent, n) => (
            <span key={agent.name}>
              {n > 0 && ", "}
              <Link to="/agent/$name" params={{ name: agent.name }}>
                <Who name={agent.name} />
              </Link>{" "}
              <span className="dim">{agent.access === "write" ? "writes" : "reads"}</span>
            </span>
          ))}
        </dd>
        <dt>size</dt>
        <dd>
          {sizeText(repo.bytes)}
          {repo.collecting !== undefined && (
            <span className="dim"> · removing what is not needed: {visible(repo.collecting)}</span>
          )}
        </dd>
        <dt>added</dt>
        <dd>
          <Age since={created} /> ago
        </dd>
        <dt>clone</dt>
        <dd>
          <Hivectl anywhere>repo remote {visible(name)} --add</Hivectl>, in your clone, adds it as the remote <code>hive</code>;{" "}
          <code>git fetch hive</code> then has the bases and the agents’ branches.
        </dd>
      </dl>
      <div className="foot">
        {upstream !== undefined && (
          <Allowed to="repo_fetch">
            <Action run={fetchNow}>fetch now</Action>
          </Allowed>
        )}
        <Allowed to="repo_gc">
          <Collect repo={repo} />
        </Allowed>
      </div>
    </section>
  );
}

/** What is known of the other host that a repository follows. */
function Remote({ repo, remote }: { repo: RepoView; remote: RemoteView }): ReactNode {
  const { name, forge } = repo;
  const { credential, fetched_at: at, failed, private_address: pinned, own_authority: own } = remote;
  const { host_key: hostKey, public_key: publicKey, forge_token: hasOwnToken } = remote;
  return (
    <>
      <dt>log-in</dt>
      <dd>
        {credential === "none" ? "none" : `by a ${credential}, which the hive keeps`}
        {pinned !== undefined && <span className="dim"> · only at the private address {visible(pinned)}</span>}
        {hasOwnToken === true && <span className="dim"> · pull requests by a token of their own</span>}
        {own === true && <span className="dim"> · trusts an authority of its own</span>}
        {publicKey !== undefined && (
          <div>
            <code>{visible(publicKey)}</code>
          </div>
        )}
        <div>
          <LogIn name={name} remote={remote} forge={forge} />
        </div>
      </dd>
      {hostKey !== undefined && (
        <>
          <dt>host key</dt>
          <dd>
            <HostKey hostKey={hostKey} />
            <div>
              <CheckHostKey name={name} />
            </div>
          </dd>
        </>
      )}
      <dt>fetched</dt>
      <dd>
        {at === undefined ? (
          "never"
        ) : (
          <>
            <Age since={at} /> ago
          </>
        )}
        {failed !== undefined && <span className="red"> · the last fetch failed: {visible(failed)}</span>}
      </dd>
    </>
  );
}

/** Removes the objects that nothing needs, after a confirmation with what would be left. */
function Collect({ repo: { name, collecting } }: { repo: RepoView }): ReactNode {
  const [isAsked, setAsked] = useState(false);
  const { value, error } = useFetched(
    useCallback(async () => (isAsked ? call("repo_gc", { name, dry_run: true }) : undefined), [name, isAsked]),
  );
  const collect = async (now: boolean): Promise<string> => {
    setAsked(false);
    const { before, after } = await call("repo_gc", { name, now });
    return `${name}: ${sizeText(before.bytes)} before, ${sizeText(after.bytes)} after`;
  };
  const branches = value?.branches ?? [];
  const later = useAction(() => collect(false));
  const atOnce = useAction(() => collect(true));
  return (
    <>
      <button
        type="button"
        disabled={collecting !== undefined || later.isBusy || atOnce.isBusy}
        aria-busy={collecting !== undefined}
        onClick={() => setAsked(true)}
      >
        remove unneeded objects…
      </button>
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`remove what ${name} does not need?`}
        words={
          <>
            Agents with this repository and its merges stop meanwhile, and go on afterwards. What bases, open changes, workspaces
            and the branches of the last 30 days need stays.{" "}
            <span role="status">
              {error ??
                (value
                  ? `${sizeText(value.before.bytes)} now, about ${sizeText(value.after.bytes)} afterwards.`
                  : "Measuring what would be left…")}
              {branches.length > 0 && ` Old branches that go: ${visible(branches.join(", "))}.`}
            </span>
          </>
        }
      >
        <ActionButton action={later}>after running turns</ActionButton>
        <ActionButton kind="no" action={atOnce}>
          now: end turns and merges
        </ActionButton>
      </Confirm>
    </>
  );
}

async function branchesOf(name: string): Promise<Output<"repo">["branches"]> {
  const { branches, ...first } = await call("repo", { name });
  for (let { more } = first; more === true;) {
    const page = await call("repo", { name, after: branches.at(-1) });
    for (const branch of page.branches) branches.push(branch);
    more = page.more;
  }
  return branches;
}

/** The branches that agents have pushed. */
export function Branches({ repo }: { repo: RepoView }): ReactNode {
  const { name } = repo;
  const changes = useHive((state) => state.changes);
  const own = useMemo(() => [...changes.values()].filter((one) => one.repo === name), [changes, name]);
  // A push has no event of its own. A proposal follows most of them.
  const pushed = own.map(({ id, sha }) => `${id} ${sha}`).join();
  const { value, error } = useFetched(
    useCallback(() => branchesOf(name), [name]),
    pushed,
  );
  const byBranch = useMemo(() => new Map(own.map((one) => [`${one.agent}/${one.branch}`, one.id])), [own]);
  return (
    <section className="part" aria-label="branches of agents">
      <h2 aria-label="branches of agents">BR4NCHES</h2>
      {error !== undefined && <Empty>{error}</Empty>}
      {!value && error === undefined && <Empty>loading…</Empty>}
      {value?.length === 0 && <Empty>No agent has pushed a branch yet.</Empty>}
      <ul className="plain">
        {value?.map(({ agent, branch, sha, pushed_at: at }) => {
          const change = byBranch.get(`${agent}/${branch}`);
          return (
            <li key={`${agent}/${branch}`}>
              <Who name={agent} />/{visible(branch)} <span className="dim">{short(sha)}</span>
              {at !== undefined && (
                <span className="faint">
                  {" "}
                  <Age since={at} /> ago
                </span>
              )}
              {change !== undefined && (
                <>
                  {" "}
                  <Link to="/change/$id" params={{ id: String(change) }}>
                    #{change}
                  </Link>
                </>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** Removes the repository with its changes. Only its declaration removes one that the host declares. */
export function Remove({ repo }: { repo: RepoView }): ReactNode {
  if (repo.declared !== undefined) return null;
  return (
    <Allowed to="repo_remove">
      <RemoveAsked repo={repo} />
    </Allowed>
  );
}

function RemoveAsked({ repo: { name, agents } }: { repo: RepoView }): ReactNode {
  const [isAsked, setAsked] = useState(false);
  const navigate = useNavigate();
  const remove = async (): Promise<string> => {
    await call("repo_remove", { name });
    setAsked(false);
    await navigate({ to: "/work" });
    return `repository ${name} is removed`;
  };
  return (
    <section className="part" aria-label="remove">
      {agents.length > 0 && <p className="dim small">It can be removed once no agent’s config names it.</p>}
      <div className="foot">
        <button type="button" className="no" disabled={agents.length > 0} onClick={() => setAsked(true)}>
          remove the repository…
        </button>
      </div>
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title={`remove the repository ${name}?`}
        words="Its branches, its changes and their comments are deleted. The folder that it follows stays as it is."
      >
        <Action kind="no" run={remove}>
          remove
        </Action>
      </Confirm>
    </section>
  );
}
