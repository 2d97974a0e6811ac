import { useCallback, useEffect, useMemo, useState, type ReactNode } from "react";
import { isChangeOver } from "../../src/wire/change-states.ts";
import type { RepoView } from "../../src/wire/work.ts";
import { Action } from "../kit/button.tsx";
import { Empty } from "../kit/panel.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { knowChanges, useHive } from "../lib/store.ts";
import { ChangeRow } from "./change-row.tsx";
import { groupsOf } from "./groups.ts";

/** Changes per page. */
const PAGE = 50;

/** The changes of a repository: the open ones in their order, then those that have ended, newest first. */
export function RepoChanges({ repo }: { repo: RepoView }): ReactNode {
  const { name } = repo;
  const known = useHive((state) => state.changes);
  const repos = useHive((state) => state.repos);
  const [isAll, setAll] = useState(false);
  /** The oldest change of the last page. */
  const [before, setBefore] = useState<number>();
  const { value, error } = useFetched(useCallback(() => call("changes", { repo: name, limit: PAGE }), [name]));
  useEffect(() => {
    if (!value) return;
    knowChanges(value.changes);
    setBefore(value.changes.at(-1)?.id);
    setAll(value.more !== true);
  }, [value]);
  const { open, ended } = useMemo(() => {
    const own = [...known.values()].filter((one) => one.repo === name);
    const { review, queue, back } = groupsOf(own, repos);
    return {
      open: [...review, ...queue, ...back],
      ended: own.filter((one) => isChangeOver(one.state)).sort((a, b) => b.id - a.id),
    };
  }, [known, repos, name]);
  const older = async (): Promise<void> => {
    const { changes, more } = await call("changes", { repo: name, limit: PAGE, ...(before === undefined ? {} : { before }) });
    knowChanges(changes);
    setBefore(changes.at(-1)?.id);
    setAll(more !== true);
  };
  return (
    <section className="part" aria-label="changes">
      <h2 aria-label="changes">CH4NGES</h2>
      {error !== undefined && <Empty>{error}</Empty>}
      {value && open.length + ended.length === 0 && <Empty>No agent has proposed a change yet.</Empty>}
      {open.map((change) => (
        <ChangeRow key={change.id} change={change} isOfRepo />
      ))}
      {ended.length > 0 && (
        <h3>
          ended <span className="dim">{ended.length}</span>
        </h3>
      )}
      {ended.map((change) => (
        <ChangeRow key={change.id} change={change} isOfRepo />
      ))}
      {value && !isAll && (
        <Action kind="ghost" run={older}>
          older
        </Action>
      )}
    </section>
  );
}
