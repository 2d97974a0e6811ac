import { costWords } from "../../src/wire/cost.ts";
import { Link, useNavigate } from "@tanstack/react-router";
import type { MouseEvent, ReactNode } from "react";
import { count, visible } from "../lib/text.ts";
import { useHive, useIsLive } from "../lib/store.ts";
import { focusOn, inSight } from "../lib/in-sight.ts";
import { waiting } from "../lib/waiting.ts";
import type { Call } from "../../src/wire/calls.ts";
import { allStoppedWords } from "../../src/wire/words.ts";
import { You } from "./allowed.tsx";
import { AllStop, useAllStop } from "./all-stop.tsx";
import { MenuButton } from "./menu-button.tsx";
import { OpenLink } from "./open-link.tsx";
import { fullest } from "./plan-bars.tsx";
import { NotifyButton, useNotify } from "./notify-button.tsx";

/** The operator's inbox on the dashboard. */
const INBOX = ".inbox .scroll";

const many = (n: number, one: string): string => (n === 1 ? `1 ${one}` : `${n} ${one}s`);

/** What waits, today's figures, rehearsal or live, and whether the page is up to date. */
export function TopBar({ onHelp }: { onHelp?: () => void }): ReactNode {
  const hive = useHive((state) => state.hive);
  const waits = useHive(waiting);
  const isLive = useIsLive();
  return (
    <header className="bar">
      <h1 className="brand">
        <Link to="/" aria-label="hyperhive">
          <span className="wide" aria-hidden="true">
            ░▒▓{" "}
          </span>
          HYPER<i>HIVE</i>
        </Link>
      </h1>
      {hive.mode === "rehearsal" ? (
        <OpenLink
          open="login"
          className="chip cyan"
          title={visible(`a scripted model answers; scenarios: ${hive.scenarios.join(", ")}; log in to the model`)}
        >
          rehearsal
        </OpenLink>
      ) : (
        <OpenLink open="login" className="chip green" title={visible(`model requests go to ${hive.upstream}; the log-in`)}>
          {visible(hive.upstream)}
        </OpenLink>
      )}
      {hive.plan && (
        <OpenLink open="login" className="chip wide" title="limits of the subscription: the window that is used most">
          {fullest(hive.plan)}
        </OpenLink>
      )}
      <nav className="places wide" aria-label="pages">
        <Link to="/work">work</Link>
        <Link to="/swarm">swarm</Link>
        <Link to="/history">history</Link>
      </nav>
      <span className="grow" />
      {waits.stuck > 0 && (
        <WaitChip colour="red" first="message">
          {many(waits.stuck, "message")} stuck
        </WaitChip>
      )}
      {waits.approvals > 0 && (
        <WaitChip colour="amber" first="request">
          {many(waits.approvals, "request")}
        </WaitChip>
      )}
      {waits.changes > 0 && (
        <WaitChip colour="amber" first="change">
          {many(waits.changes, "change")}
        </WaitChip>
      )}
      {waits.budgets > 0 && (
        <WaitChip colour="amber" first="budget">
          {many(waits.budgets, "budget")} used up
        </WaitChip>
      )}
      {waits.questions > 0 && (
        <WaitChip colour="mauve" first="question">
          {many(waits.questions, "question")}
        </WaitChip>
      )}
      {waits.unread > 0 && (
        <Link
          to="/"
          search={{ tab: "inbox" }}
          className="chip amber wide"
          onClick={() =>
            inSight(
              INBOX,
              () => {},
              () => focusOn(INBOX),
            )
          }
        >
          {waits.unread} unread
        </Link>
      )}
      {waits.cards > 0 && (
        <Link to="/" search={{ tab: "call" }} className="chip amber narrow">
          {waits.cards} for you
        </Link>
      )}
      <Link to="/usage" className="chip wide" title="where the money goes: tokens and cost">
        today {count(hive.tokens_today)} tok · {costWords(hive.cost_today_usd, hive.unpriced_today)}
      </Link>
      <span className="wide">
        <AllStop />
      </span>
      <You />
      <NotifyButton />
      {onHelp && (
        <button type="button" className="ghost wide" aria-label="keys" title="keys" onClick={onHelp}>
          ?
        </button>
      )}
      <span className={`chip conn ${isLive ? "green" : "amber"}`} role="status">
        <span className={`dot ${isLive ? "" : "live"}`} aria-hidden="true" />
        <span className="words">{isLive ? "live" : "connecting"}</span>
      </span>
      <More onHelp={onHelp} />
    </header>
  );
}

interface WaitChipProps {
  colour: "red" | "amber" | "mauve";
  /** The kind of card that the chip counts. */
  first: Call["kind"];
  children: ReactNode;
}

/** Counts one kind of what waits. It opens and focuses the first card of that kind, in the order of the page. */
function WaitChip({ colour, first, children }: WaitChipProps): ReactNode {
  const navigate = useNavigate();
  const card = `[data-call^="${first}-"]`;
  const open = (): void => {
    const key = document.querySelector(card)?.getAttribute("data-call");
    if (key === null || key === undefined) return;
    focusOn(`${card} .card`);
    void navigate({ to: "/", search: (search) => ({ ...search, card: key }), replace: true });
  };
  const go = async (event: MouseEvent): Promise<void> => {
    // With a modifier key the browser handles the click.
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    await navigate({ to: "/", search: { tab: "call" } });
    inSight(card, () => {}, open);
  };
  return (
    <Link to="/" search={{ tab: "call" }} className={`chip ${colour} wide`} onClick={(event) => void go(event)}>
      {children}
    </Link>
  );
}

/** What a narrow bar has no room for. */
function More({ onHelp }: { onHelp: (() => void) | undefined }): ReactNode {
  const { tokens_today: tokens, cost_today_usd: cost, unpriced_today: unpriced } = useHive((state) => state.hive);
  const { name, role } = useHive((state) => state.you);
  const navigate = useNavigate();
  const notify = useNotify();
  const { entry, dialog } = useAllStop();
  const entries = [
    { words: "work", run: () => void navigate({ to: "/work" }) },
    { words: "swarm", run: () => void navigate({ to: "/swarm" }) },
    { words: "history", run: () => void navigate({ to: "/history" }) },
    { words: "log in to the model", run: () => void navigate({ to: ".", search: (search) => ({ ...search, open: "login" }) }) },
    { words: "your passkeys", run: () => void navigate({ to: ".", search: (search) => ({ ...search, open: "you" }) }) },
    {
      words: "credentials for the model",
      run: () => void navigate({ to: ".", search: (search) => ({ ...search, open: "credentials" }) }),
    },
    { words: "secrets", run: () => void navigate({ to: ".", search: (search) => ({ ...search, open: "secrets" }) }) },
    { words: "usage and cost", run: () => void navigate({ to: "/usage" }) },
    ...(notify ? [{ words: notify.isOn ? "stop notifying me" : "notify me", run: notify.press }] : []),
    ...(onHelp ? [{ words: "keys", run: onHelp }] : []),
    entry,
  ];
  return (
    <span className="narrow more">
      <MenuButton
        label="more"
        title={`${visible(name)}, ${role} · today ${count(tokens)} tok · ${costWords(cost, unpriced)}`}
        entries={entries}
      />
      {dialog}
    </span>
  );
}

/** Warnings of the whole hive. */
export function Banners(): ReactNode {
  const banners = useHive((state) => state.hive.banners);
  const stopped = useHive((state) => state.hive.all_stopped);
  const isAnyUp = useHive((state) => [...state.agents.values()].some((agent) => agent.running));
  const colours = { warn: "amber", error: "red" } as const;
  if (banners.length === 0 && !stopped) return null;
  return (
    <div className="banners">
      {stopped && (
        <div className="banner red" role="alert">
          {allStoppedWords(stopped, isAnyUp)}
        </div>
      )}
      {banners.map(({ level, text }) => (
        <div key={text} className={`banner ${colours[level]}`} role={level === "error" ? "alert" : "note"}>
          {visible(text)}
        </div>
      ))}
    </div>
  );
}
