import { useEffect, useSyncExternalStore } from "react";
import type { ApprovalView } from "../../src/wire/approval.ts";
import { useHive } from "./store.ts";

/** The id of the hive whose operator has seen a deployed config change, in the browser's storage. */
const SEEN = "deploy-seen";
const listeners = new Set<() => void>();

/** A config change that is deployed: the last thing that the guide leads to. */
export function deployedChange(approvals: Iterable<ApprovalView>): ApprovalView | undefined {
  for (const one of approvals) if (one.kind === "apply_commit" && one.state === "deployed") return one;
  return undefined;
}

/** Notes that the operator has seen a deploy of this hive. A new hive at the same address has another id. */
export function noteSeenDeploy(hiveId: string): void {
  localStorage.setItem(SEEN, hiveId);
  for (const listener of listeners) listener();
}

/** Notes a deployed config change while the calling page lists it. */
export function useNoteSeenDeploy(): void {
  const hiveId = useHive((state) => state.hive.id);
  const isListed = useHive((state) => deployedChange(state.approvals.values()) !== undefined);
  useEffect(() => {
    if (isListed) noteSeenDeploy(hiveId);
  }, [isListed, hiveId]);
}

/** True once the operator has seen a deployed config change of this hive. */
export function useHasSeenDeploy(): boolean {
  const hiveId = useHive((state) => state.hive.id);
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => localStorage.getItem(SEEN) === hiveId,
  );
}
