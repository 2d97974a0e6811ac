import { useCallback, type ReactNode } from "react";
import type { ChangeView } from "../../src/wire/work.ts";
import { MiniDiff, type Shown } from "../diff/mini.tsx";
import { call } from "../lib/api.ts";

/** The diff of a change on its card. */
export function ChangePreview({
  change: { id, sha, digest },
  onShown,
}: {
  change: ChangeView;
  onShown: (shown: Shown | undefined) => void;
}): ReactNode {
  const load = useCallback(() => call("change", { change: id }).then(({ change, files }) => ({ ...change, files })), [id]);
  return <MiniDiff load={load} waits={`${sha} ${digest}`} onShown={onShown} />;
}
