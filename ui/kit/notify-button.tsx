import { useSyncExternalStore, type ReactNode } from "react";
import { notifyState, onNotifyChange, toggleNotify } from "../lib/notify.ts";
import { toast } from "./toast.tsx";

/** Turns browser notifications on and off. */
export function NotifyButton(): ReactNode {
  const state = useSyncExternalStore(onNotifyChange, notifyState);
  if (state === "unsupported") return null;
  const press = async (): Promise<void> => {
    const next = await toggleNotify();
    if (next === "denied") toast("the browser refuses: allow notifications for this page in its settings", "error");
    else toast(next === "on" ? "you will be told of requests, questions and messages to you" : "no more notifications");
  };
  return (
    <button
      type="button"
      className={`ghost notify wide ${state === "on" ? "amber" : ""}`}
      aria-pressed={state === "on"}
      title={
        state === "denied"
          ? "the browser refuses notifications for this page"
          : "notifications for requests, questions and messages"
      }
      onClick={() => void press()}
    >
      {state === "on" ? "notifying" : "notify me"}
    </button>
  );
}
