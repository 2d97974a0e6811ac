import { useCallback, type ReactNode } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { MiniDiff, type Shown } from "../diff/mini.tsx";
import { call } from "../lib/api.ts";

/** The diff of a request on its card. */
export function Preview({
  approval: { id, sha, digest },
  onShown,
}: {
  approval: ApprovalView;
  onShown: (shown: Shown | undefined) => void;
}): ReactNode {
  const load = useCallback(() => call("show", { id }).then(({ approval, files }) => ({ ...approval, files })), [id]);
  return <MiniDiff load={load} waits={`${sha} ${digest}`} onShown={onShown} />;
}
