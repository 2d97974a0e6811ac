import { useSyncExternalStore, type ReactNode } from "react";
import { notifyState, onNotifyChange, toggleNotify } from "../lib/notify.ts";
import { toast } from "./toast.tsx";

/** The switch for browser notifications: label and action. Undefined if the browser has none. */
export function useNotify(): { isOn: boolean; words: string; title: string; press: () => void } | undefined {
  const state = useSyncExternalStore(onNotifyChange, notifyState);
  if (state === "unsupported") return undefined;
  const isOn = state === "on";
  const press = async (): Promise<void> => {
    const next = await toggleNotify();
    if (next === "denied") toast("the browser blocks notifications: allow them for this page in its settings", "error");
    else if (next === "on") toast("notifications are on: requests, changes, questions and messages to you");
    else toast(isOn ? "notifications are off" : "permission was not given: notifications stay off");
  };
  return {
    isOn,
    words: isOn ? "notifying" : "notify me",
    title:
      state === "denied"
        ? "the browser blocks notifications for this page"
        : "notifications for requests, changes, questions and messages",
    press: () => void press(),
  };
}

/** Turns browser notifications on and off. */
export function NotifyButton(): ReactNode {
  const notify = useNotify();
  if (!notify) return null;
  return (
    <button
      type="button"
      className={`ghost notify wide ${notify.isOn ? "amber" : ""}`}
      aria-pressed={notify.isOn}
      title={notify.title}
      onClick={notify.press}
    >
      {notify.words}
    </button>
  );
}
