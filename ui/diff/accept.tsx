import type { ReactNode } from "react";
import { visible } from "../lib/text.ts";
import { Further, useGrowing } from "./further.tsx";

/** More files than this are folded, and one box ticks all of them: a change may have thousands. */
const MANY = 20;

interface AcceptProps {
  paths: readonly string[];
  accepted: ReadonlySet<string>;
  accept: (paths: ReadonlySet<string>) => void;
}

/** The files that are approved without being shown whole, each by its name. */
export function Accept({ paths, accepted, accept }: AcceptProps): ReactNode {
  const { drawn, isAll, grow } = useGrowing(paths.length);
  const hasAll = paths.every((path) => accepted.has(path));
  const list = (
    <>
      {paths.slice(0, drawn).map((path) => (
        <label key={path}>
          <input type="checkbox" checked={accepted.has(path)} onChange={() => accept(withTurned(accepted, path))} />
          {visible(path)}
        </label>
      ))}
      {!isAll && <Further words={`${paths.length - drawn} more files…`} draw={grow} />}
    </>
  );
  return (
    <fieldset className="accept">
      <legend className="sr">files that are not shown whole</legend>
      <p className="red" aria-hidden="true">
        Not shown whole. Tick each file whose unseen content you approve:
      </p>
      {paths.length > MANY ? (
        <>
          <label>
            <input type="checkbox" checked={hasAll} onChange={() => accept(new Set(hasAll ? [] : paths))} />
            <b>all {paths.length} files that are not shown whole</b>
          </label>
          <details>
            <summary>each by its name</summary>
            {list}
          </details>
        </>
      ) : (
        list
      )}
    </fieldset>
  );
}

/** Why there is no approve button: so many files still have to be ticked. */
export function Missing({ count }: { count: number }): ReactNode {
  const [them, each] = count === 1 ? ["it", "it"] : ["them", "each"];
  return (
    <span className="red">
      {count === 1 ? "1 file is" : `${count} files are`} not shown whole: look at {each}, and tick {them} above to approve
    </span>
  );
}

/** The set with the path added, or taken out if it was there. */
export function withTurned(set: ReadonlySet<string>, path: string): ReadonlySet<string> {
  const next = new Set(set);
  if (!next.delete(path)) next.add(path);
  return next;
}
