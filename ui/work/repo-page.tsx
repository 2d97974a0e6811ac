import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import type { RepoView } from "../../src/wire/work.ts";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { Empty } from "../kit/panel.tsx";
import { short } from "../lib/approvals.ts";
import { moveFocus, useKeys, type Key } from "../lib/keys.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";
import { Diverged } from "./diverged.tsx";
import { PushLine } from "./push-line.tsx";
import { RepoChanges } from "./repo-changes.tsx";
import { About, Branches, Remove } from "./repo-parts.tsx";
import { PauseQueue, QueueLine } from "./queue.tsx";
import { Settings } from "./settings.tsx";

/** A repository: its bases and their queues, its changes, the branches of its agents, and its settings. */
export function RepoPage(): ReactNode {
  const { repo: name } = useParams({ from: "/work/$repo" });
  const repo = useHive((state) => state.repos.get(name));
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  useEffect(() => {
    document.title = visible(`${name} · work · hyperhive`);
  }, [name]);
  const keys: Key[] = [
    { key: "j", words: "next change", run: () => moveFocus(".change-row", 1) },
    { key: "k", words: "previous change", run: () => moveFocus(".change-row", -1) },
    {
      key: "o",
      words: "open the change",
      run: () => document.activeElement?.closest(".change-row")?.querySelector("a")?.click(),
    },
    { key: "w", words: "work: repositories and changes", run: () => void navigate({ to: "/work" }) },
    { key: "u", words: "back to the dashboard", run: () => void navigate({ to: "/" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  if (!repo) {
    return (
      <main className="loading">
        <p>
          There is no repository <b>{visible(name)}</b> in this hive.
        </p>
        <Link to="/work">to the repositories</Link>
      </main>
    );
  }
  return (
    <>
      <header className="bar">
        <Link to="/work" className="dim">
          ← work
        </Link>
        <h1>{visible(name)}</h1>
        <span className="grow" />
        <button type="button" className="ghost" aria-label="keys" title="keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </header>
      <main className="repo-page">
        <div className="pane" tabIndex={0} role="group" aria-label="bases and changes">
          <Bases repo={repo} />
          <RepoChanges key={`changes ${name}`} repo={repo} />
        </div>
        <div className="pane" tabIndex={0} role="group" aria-label={visible(`about ${name}`)}>
          <About repo={repo} />
          <Branches key={`branches ${name}`} repo={repo} />
          <Settings key={`settings ${name}`} repo={repo} />
          <Remove repo={repo} />
        </div>
      </main>
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <OpenDrawer />
    </>
  );
}

/** The branches that changes are merged into, each with its queue. */
function Bases({ repo }: { repo: RepoView }): ReactNode {
  const { bases, queues } = repo;
  return (
    <section className="part" aria-label="bases">
      <h2 aria-label="bases and merge queues">B4SES</h2>
      {bases.length === 0 && <Empty>The repository is empty. The first push to its base, from your own clone, begins it.</Empty>}
      {bases.map(({ name, sha }) => {
        const queue = queues.find((one) => one.base === name) ?? { base: name, state: "idle" as const, waiting: [] };
        return (
          <div key={name} className="base">
            <QueueLine queue={queue} />
            <span className="chip sha">{short(sha)}</span>
            {queue.diverged !== true && <PauseQueue repo={repo} queue={queue} />}
            {queue.diverged === true && <Diverged repo={repo} base={name} />}
            {repo.pushes
              .filter((push) => push.base === name)
              .map((push) => (
                <PushLine key={push.base} repo={repo} push={push} />
              ))}
          </div>
        );
      })}
    </section>
  );
}
