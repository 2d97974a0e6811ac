import { useState, type ReactNode } from "react";
import type { Output } from "../../src/wire/operations.ts";
import { ApiError, call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";
import { Allowed } from "./allowed.tsx";
import { Action } from "./button.tsx";
import { Confirm } from "./lazy.tsx";
import type { MenuEntry } from "./row-menu.tsx";
import { toast } from "./toast.tsx";

/** Stops all agents after a confirmation, or starts those that ran before. Returns a menu entry and its dialog. */
export function useAllStop(): { entry: MenuEntry; dialog: ReactNode } {
  const stopped = useHive((state) => state.hive.all_stopped);
  const [isAsked, setAsked] = useState(false);
  const stop = async (graceful: boolean): Promise<string> => {
    setAsked(false);
    return told(await call("stop_all", { graceful }), "stopped");
  };
  const start = (): void =>
    void startWhatRan().then(toast, (error: unknown) =>
      toast(error instanceof ApiError ? error.message : "that did not work", "error"),
    );
  return {
    entry: stopped
      ? { words: `start what ran (${stopped.agents.length})`, run: start, needs: "start_what_ran" }
      : { words: "stop all…", run: () => setAsked(true), isDanger: true, needs: "stop_all" },
    dialog: (
      <Confirm
        isOpen={isAsked}
        onClose={() => setAsked(false)}
        title="stop everything?"
        words="Every agent and the manager stop. Deploys that the ledger does not hold yet are given up. Messages wait. “Start what ran” starts the same agents again."
      >
        <Action kind="no" run={() => stop(true)}>
          stop all, let turns finish
        </Action>
        <Action kind="no" run={() => stop(false)}>
          kill all now
        </Action>
      </Confirm>
    ),
  };
}

/** The same as a button of the top bar. */
export function AllStop(): ReactNode {
  const { entry, dialog } = useAllStop();
  const stopped = useHive((state) => state.hive.all_stopped);
  return (
    <>
      {stopped ? (
        <Allowed to="start_what_ran">
          <Action kind="go" run={startWhatRan}>
            {entry.words}
          </Action>
        </Allowed>
      ) : (
        <Allowed to="stop_all">
          <button type="button" className="ghost red" onClick={entry.run}>
            {entry.words}
          </button>
        </Allowed>
      )}
      {dialog}
    </>
  );
}

async function startWhatRan(): Promise<string> {
  return told(await call("start_what_ran", {}), "started");
}

function told({ results }: Output<"stop_all">, done: string): string {
  const failed = results.filter((one) => !one.ok);
  if (failed.length > 0)
    throw new ApiError("unavailable", failed.map((one) => `${one.name}: ${one.error ?? "failed"}`).join("; "));
  return results.length === 1 ? `1 agent is ${done}` : `${results.length} agents are ${done}`;
}
