import { requestCan } from "../../src/wire/request-states.ts";
import type { HiveEvent } from "../../src/wire/event.ts";
import { KIND_WORDS } from "../../src/wire/words.ts";
import { changeName } from "./changes.ts";
import { visible } from "./text.ts";

/** Stores whether the operator wants notifications. The browser's own permission is needed as well. */
const WANTED = "notifications";
/** Characters of a text that fit into a notification. */
const MAX_CHARS = 180;

export type NotifyState = "unsupported" | "off" | "on" | "denied";

const listeners = new Set<() => void>();

export function notifyState(): NotifyState {
  if (!("Notification" in globalThis) || !isSecureContext) return "unsupported";
  if (Notification.permission === "denied") return "denied";
  return Notification.permission === "granted" && localStorage.getItem(WANTED) === "on" ? "on" : "off";
}

export function onNotifyChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** Turns notifications off or on. Asks for the browser's permission if necessary. */
export async function toggleNotify(): Promise<NotifyState> {
  if (notifyState() === "on") localStorage.removeItem(WANTED);
  else if ((await Notification.requestPermission()) === "granted") localStorage.setItem(WANTED, "on");
  for (const listener of listeners) listener();
  return notifyState();
}

interface Note {
  tag: string;
  title: string;
  body: string;
  path: string;
}

/** The notification for an event: a request, a change, a question, a budget that is used up or a message to the operator, if it is new. */
export function noteOf(event: HiveEvent, seen: (tag: string) => boolean): Note | undefined {
  const note = (() => {
    if (event.kind === "approval" && requestCan(event.approval, "approve")) {
      const { id, kind, agent, description } = event.approval;
      return {
        tag: `approval-${id}`,
        title: `${KIND_WORDS[kind]} for ${agent} waits for you`,
        body: description ?? "",
        path: `/approval/${id}`,
      };
    }
    if (event.kind === "change" && event.change.state === "proposed") {
      const { id, round, agent, title } = event.change;
      return {
        tag: `change-${id}-${round}`,
        title: `${agent} proposes ${changeName(event.change)}`,
        body: title,
        path: `/change/${id}`,
      };
    }
    if (event.kind === "question" && event.question.state === "open") {
      const { id, agent, question } = event.question;
      return { tag: `question-${id}`, title: `${agent} asks`, body: question, path: "/?tab=call" };
    }
    if (event.kind === "agent" && event.agent.over_budget === true) {
      const { name, state_since: since, state_reason: reason } = event.agent;
      return { tag: `budget-${name}-${since}`, title: `${name} is over budget`, body: reason ?? "", path: "/?tab=call" };
    }
    if (event.kind === "message" && event.message.to === "operator") {
      const { id, from, body } = event.message;
      return { tag: `message-${id}`, title: `${from} writes`, body: body ?? "", path: "/?tab=inbox" };
    }
    return undefined;
  })();
  return note && !seen(note.tag) ? note : undefined;
}

/** Tags that were notified, or that existed when the page was loaded. */
const told = new Set<string>();
let goTo: (path: string) => void = (path) => location.assign(path);

/** Sets how a click on a notification navigates to its page. */
export function onNotificationClick(go: (path: string) => void): void {
  goTo = go;
}

/** Notifies the operator of an event while the page is hidden. The same tag in another tab replaces the notification. */
export function notify(event: HiveEvent): void {
  const note = noteOf(event, (tag) => told.has(tag));
  if (!note) return;
  told.add(note.tag);
  if (notifyState() !== "on" || document.hasFocus()) return;
  const { tag, path } = note;
  // The system would obey characters that change the text's direction.
  const title = visible(note.title);
  const body = visible(note.body.slice(0, MAX_CHARS));
  try {
    const shown = new Notification(title, { tag, body, icon: "/favicon.svg" });
    shown.addEventListener("click", () => {
      window.focus();
      goTo(path);
      shown.close();
    });
  } catch {
    // Phones show notifications only through a service worker. Ours does nothing else.
    void navigator.serviceWorker
      ?.register("/notify.js")
      .then((worker) => worker.showNotification(title, { tag, body, icon: "/favicon.svg", data: { path } }))
      .catch(() => {}); // A browser without either shows no notification; the page still shows the event.
  }
}
