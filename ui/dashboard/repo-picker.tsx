import { useMemo, type ReactNode } from "react";
import type { RepoAccess } from "../../src/wire/work.ts";
import { useHive } from "../lib/store.ts";
import { visible } from "../lib/text.ts";

/** Repositories of a new agent, by name. */
export type PickedRepos = Readonly<Record<string, RepoAccess>>;

/** Which repositories an agent works on. Nothing if the hive has none. */
export function RepoPicker({ picked, pick }: { picked: PickedRepos; pick: (next: PickedRepos) => void }): ReactNode {
  const repos = useHive((state) => state.repos);
  const names = useMemo(() => [...repos.keys()].sort(), [repos]);
  if (names.length === 0) return null;
  const set = (name: string, access: string): void => {
    const { [name]: _, ...others } = picked;
    pick(access === "read" || access === "write" ? { ...others, [name]: access } : others);
  };
  return (
    <fieldset className="picker">
      <legend className="dim">repositories</legend>
      {names.map((name) => (
        <label key={name} className="pick">
          <span>{visible(name)}</span>
          <select value={picked[name] ?? ""} onChange={(event) => set(name, event.target.value)}>
            <option value="">no access</option>
            <option value="write">works on it</option>
            <option value="read">reads it</option>
          </select>
        </label>
      ))}
    </fieldset>
  );
}
