import { useCallback, useState } from "react";

type Paths = ReadonlySet<string>;
interface Seen {
  /** The digest of the diff that these files are of. */
  of: string | undefined;
  read: Paths;
  ticked: Paths;
}

const NOTHING: Seen = { of: undefined, read: new Set(), ticked: new Set() };

/**
 * The files of a diff that came without all of their patch: those that were read to their end on the page, and those
 * that are accepted by name. Nothing is seen of a diff with another digest.
 */
export function useSeen(digest: string | undefined): {
  read: Paths;
  ticked: Paths;
  onWhole: (path: string) => void;
  accept: (paths: Paths) => void;
} {
  const [seen, setSeen] = useState(NOTHING);
  const onWhole = useCallback(
    (path: string) =>
      setSeen((now) => {
        const before = now.of === digest ? now : NOTHING;
        return { ...before, of: digest, read: new Set(before.read).add(path) };
      }),
    [digest],
  );
  const accept = useCallback(
    (ticked: Paths) => setSeen((now) => ({ of: digest, read: now.of === digest ? now.read : NOTHING.read, ticked })),
    [digest],
  );
  const { read, ticked } = seen.of === digest ? seen : NOTHING;
  return { read, ticked, onWhole, accept };
}
