import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useState, type ReactNode } from "react";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { Banners, TopBar } from "../kit/top-bar.tsx";
import { focusOn, inSight } from "../lib/in-sight.ts";
import { focusWithin, moveFocus, useKeys, type Key } from "../lib/keys.ts";
import { useHive } from "../lib/store.ts";
import { waiting } from "../lib/waiting.ts";
import { Containers, KeptState } from "./containers.tsx";
import { MessageFlow } from "./flow.tsx";
import { OperatorInbox } from "./inbox.tsx";
import { MetaInputs } from "./meta.tsx";
import { YourCall } from "./your-call.tsx";

const TABS = [
  { id: "swarm", leet: "SW4RM", label: "agents" },
  { id: "call", leet: "Y3R C4LL", label: "what waits for you" },
  { id: "inbox", leet: "1NB0X", label: "operator inbox" },
  { id: "flow", leet: "FL0W", label: "message flow" },
  { id: "meta", leet: "M3TA", label: "meta inputs" },
] as const;

const CARDS = ".calls .card";
/** The open card. */
const OPEN = ".calls .card:not(.line)";

/** The whole hive on one page: agents, what waits for the operator, and messages. */
export function Dashboard(): ReactNode {
  const { tab = "call" } = useSearch({ from: "/" });
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  useEffect(() => {
    document.title = "hyperhive";
  }, []);
  const show = (next: string): void => void navigate({ to: "/", search: (search) => ({ ...search, tab: next }), replace: true });
  const focusIn = (section: string, selector: string): void =>
    inSight(
      selector,
      () => show(section),
      () => focusOn(selector),
    );
  const move = (by: 1 | -1): void =>
    inSight(
      ".calls",
      () => show("call"),
      () => {
        moveFocus(CARDS, by);
        const card = document.activeElement?.closest("[data-call]")?.getAttribute("data-call");
        if (card) void navigate({ to: "/", search: (search) => ({ ...search, card }), replace: true });
      },
    );
  const keys: Key[] = [
    { key: "j", words: "next card", run: () => move(1) },
    { key: "k", words: "previous card", run: () => move(-1) },
    {
      key: "a",
      words: "to ◆ APPR0VE of the open request or change; Enter then approves. To its page, if the card does not show all of it",
      // What the card does not show whole is decided on its page.
      run: () => focusWithin(OPEN, "button.approve, .foot:not(:has(button.approve)) a.full"),
    },
    {
      key: "d",
      words: "deny the open request or change, with a note",
      run: () => {
        focusWithin(OPEN, "button.deny");
        if (document.activeElement?.matches("button.deny")) (document.activeElement as HTMLElement).click();
      },
    },
    {
      key: "o",
      words: "open the request or change",
      run: () => {
        focusWithin(OPEN, "a.full");
        if (document.activeElement?.matches("a.full")) (document.activeElement as HTMLElement).click();
      },
    },
    {
      key: "c",
      words: "write a message",
      run: () => focusIn("flow", ".flow .compose textarea"),
    },
    { key: "/", words: "search all messages", run: () => focusIn("flow", "input.search") },
    { key: "w", words: "work: repositories and changes", run: () => void navigate({ to: "/work" }) },
    { key: "s", words: "swarm", run: () => void navigate({ to: "/swarm" }) },
    { key: "h", words: "history of requests", run: () => void navigate({ to: "/history" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  return (
    <>
      <TopBar onHelp={() => setHelp(true)} />
      <Banners />
      <main className="dashboard" data-tab={tab}>
        <div className="col swarm">
          <Containers />
          <KeptState />
          <MetaInputs />
        </div>
        <div className="col middle">
          <YourCall />
          <OperatorInbox />
        </div>
        <div className="col flow">
          <MessageFlow />
        </div>
      </main>
      <Tabs tab={tab} />
      <OpenDrawer />
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
    </>
  );
}

function Tabs({ tab }: { tab: string }): ReactNode {
  const waits = useHive(waiting);
  const counts: Record<string, number> = { call: waits.cards, inbox: waits.unread };
  return (
    <nav className="tabs" aria-label="sections">
      {TABS.map(({ id, leet, label }) => (
        <Link
          key={id}
          to="/"
          search={(search) => ({ ...search, tab: id })}
          replace
          aria-label={counts[id] ? `${label}, ${counts[id]}` : label}
          aria-current={tab === id ? "page" : undefined}
        >
          <span>{leet}</span>
          {counts[id] ? <span className="count">{counts[id]}</span> : null}
        </Link>
      ))}
    </nav>
  );
}
