import { Allowed } from "../kit/allowed.tsx";
import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { CHANGE_WORDS } from "../../src/wire/change-states.ts";
import type { ChangeView, RepoView } from "../../src/wire/work.ts";
import { Hivectl } from "../kit/hivectl.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { Banners, TopBar } from "../kit/top-bar.tsx";
import { call } from "../lib/api.ts";
import { short } from "../lib/approvals.ts";
import { CHANGE_COLOURS, openChanges } from "../lib/changes.ts";
import { useFetched } from "../lib/fetched.ts";
import { moveFocus, useKeys, type Key } from "../lib/keys.ts";
import { knowChanges, useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { ChangeRow } from "./change-row.tsx";
import { countsOf, groupsOf } from "./groups.ts";
import { QueueLine } from "./queue.tsx";

/** Changes that are asked for, to find the last merges among them. */
const RECENT = 100;
/** Merges that are shown. */
const MERGES = 12;
const recent = () => call("changes", { limit: RECENT });

/** The repositories of the hive, the changes of its agents by whose move it is, and the last merges. */
export function WorkPage(): ReactNode {
  const repos = useHive((state) => state.repos);
  const changes = useHive((state) => state.changes);
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  const { value, error } = useFetched(recent);
  useEffect(() => {
    if (value) knowChanges(value.changes);
  }, [value]);
  useEffect(() => {
    document.title = "work · hyperhive";
  }, []);
  const keys: Key[] = [
    { key: "j", words: "next change", run: () => moveFocus(".change-row", 1) },
    { key: "k", words: "previous change", run: () => moveFocus(".change-row", -1) },
    {
      key: "o",
      words: "open the change",
      run: () => document.activeElement?.closest(".change-row")?.querySelector("a")?.click(),
    },
    { key: "u", words: "back to the dashboard", run: () => void navigate({ to: "/" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  const open = useMemo(() => openChanges({ changes }), [changes]);
  const groups = useMemo(() => groupsOf(open, repos), [open, repos]);
  const merged = useMemo(
    () =>
      [...changes.values()]
        .filter(({ state }) => state === "merged")
        .sort((a, b) => Date.parse(b.updated_at) - Date.parse(a.updated_at))
        .slice(0, MERGES),
    [changes],
  );
  const byName = useMemo(() => [...repos.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), [repos]);
  return (
    <>
      <TopBar onHelp={() => setHelp(true)} />
      <Banners />
      <main className="work-page">
        <Panel leet="R3P0S1T0R1ES" label="repositories" note={byName.length} className="fill" actions={<CreateLink />}>
          <div className="scroll" tabIndex={0} role="group" aria-label="repositories">
            {byName.length === 0 && <NoRepos />}
            {byName.map((repo) => (
              <RepoRow key={repo.name} repo={repo} changes={open.filter((one) => one.repo === repo.name)} />
            ))}
          </div>
        </Panel>
        <div className="col">
          <Panel leet="W0RK" label="work: open changes" note={open.length} className="fill">
            <div className="scroll" tabIndex={0} role="group" aria-label="open changes">
              {open.length === 0 && (
                <Empty>
                  No change is open. An agent that may write to a repository pushes a branch and proposes it; it then appears here
                  and in “your call”.
                </Empty>
              )}
              <Group title="waits for you" changes={groups.review} />
              <Group title="in the queue" changes={groups.queue} />
              <Group title="came back" changes={groups.back} />
            </div>
          </Panel>
          <Panel leet="M3RG3D" label="last merges" note={merged.length} className="merged">
            <div className="scroll" tabIndex={0} role="group" aria-label="last merges">
              {error !== undefined && <Empty>{error}</Empty>}
              {error === undefined && merged.length === 0 && <Empty>{value ? "Nothing is merged yet." : "loading…"}</Empty>}
              {merged.map((change) => (
                <ChangeRow key={change.id} change={change} />
              ))}
            </div>
          </Panel>
        </div>
      </main>
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <OpenDrawer />
    </>
  );
}

function CreateLink(): ReactNode {
  return (
    <Allowed to="repo_create">
      <Link to="/work" search={(search) => ({ ...search, open: "repo" })} className="ghost">
        + add
      </Link>
    </Allowed>
  );
}

/** How to begin. */
function NoRepos(): ReactNode {
  return (
    <Empty>
      <p>There is no repository yet. Add a clone that you have on this machine, in a terminal:</p>
      <p>
        <Hivectl>repo add web ~/src/web</Hivectl>
      </p>
      <p>
        Or{" "}
        <Link to="/work" search={(search) => ({ ...search, open: "repo" })}>
          add one of another host, or an empty one
        </Link>
        . Then name it in an agent’s config.
      </p>
    </Empty>
  );
}

function Group({ title, changes }: { title: string; changes: readonly ChangeView[] }): ReactNode {
  if (changes.length === 0) return null;
  return (
    <section className="group" aria-label={title}>
      <h3>
        {title} <span className="dim">{changes.length}</span>
      </h3>
      {changes.map((change) => (
        <ChangeRow key={change.id} change={change} />
      ))}
    </section>
  );
}

/** A repository: its tip, its open changes by state, and what its queues do. */
function RepoRow({ repo, changes }: { repo: RepoView; changes: readonly ChangeView[] }): ReactNode {
  const { name, base, bases, queues } = repo;
  const tip = bases.find((one) => one.name === base)?.sha;
  // A queue without anything to say is not listed, unless it is the only one.
  const told = queues.filter((queue) => queue.base === base || queue.state !== "idle" || queue.waiting.length > 0);
  return (
    <article className="row" aria-label={visible(`repository ${name}`)}>
      <div className="l1">
        <Link to="/work/$repo" params={{ repo: name }} className="name">
          {visible(name)}
        </Link>
        <span className="chip sha">
          {visible(base)} {tip === undefined ? "· empty" : short(tip)}
        </span>
      </div>
      <p className="marks">
        {countsOf(changes).map(([state, count]) => (
          <span key={state} className={`chip ${CHANGE_COLOURS[state]}`}>
            {count} {CHANGE_WORDS[state]}
          </span>
        ))}
        {changes.length === 0 && <span className="faint small">no open change</span>}
      </p>
      {told.map((queue) => (
        <QueueLine key={queue.base} queue={queue} />
      ))}
    </article>
  );
}
