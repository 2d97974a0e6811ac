import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { lazy, Suspense, useEffect, type ReactNode } from "react";
import { count, dollars } from "../lib/text.ts";
import { useHeld, useHive } from "../lib/store.ts";
import { openQuestions, stuckMessages } from "../lib/waiting.ts";
import { Containers, KeptState } from "./containers.tsx";
import { MessageFlow } from "./flow.tsx";
import { OperatorInbox } from "./inbox.tsx";
import { YourCall } from "./your-call.tsx";

/** Opened seldom, so it comes when it is asked for. */
const AgentDrawer = lazy(() => import("../kit/agent-drawer.tsx").then(({ AgentDrawer: component }) => ({ default: component })));

const TABS = [
  { id: "swarm", leet: "SW4RM", label: "containers" },
  { id: "call", leet: "Y3R C4LL", label: "what waits for you" },
  { id: "inbox", leet: "1NB0X", label: "operator inbox" },
  { id: "flow", leet: "FL0W", label: "message flow" },
] as const;

/** The whole hive on one page: who lives here, what waits for you, who says what. */
export function Dashboard(): ReactNode {
  const { tab = "call" } = useSearch({ from: "/" });
  const counts: Record<string, number> = {
    call: useHive((state) => openQuestions(state).length + stuckMessages(state.messages).length),
    inbox: useHive((state) => state.hive.operator_unread),
  };
  useEffect(() => {
    document.title = "hyperhive";
  }, []);
  return (
    <>
      <TopBar />
      <Banners />
      <main className="dashboard" data-tab={tab}>
        <div className="col swarm">
          <Containers />
          <KeptState />
        </div>
        <div className="col middle">
          <YourCall />
          <OperatorInbox />
        </div>
        <div className="col flow">
          <MessageFlow />
        </div>
      </main>
      <nav className="tabs" aria-label="sections">
        {TABS.map(({ id, leet, label }) => (
          <Link
            key={id}
            to="/"
            search={(search) => ({ ...search, tab: id })}
            replace
            aria-label={label}
            aria-current={tab === id ? "page" : undefined}
          >
            {leet}
            {counts[id] ? ` · ${counts[id]}` : ""}
          </Link>
        ))}
      </nav>
      <OpenDrawer />
    </>
  );
}

function TopBar(): ReactNode {
  const hive = useHive((state) => state.hive);
  const questions = useHive((state) => openQuestions(state).length);
  const stuck = useHive((state) => stuckMessages(state.messages).length);
  const { isLive } = useHeld();
  return (
    <header className="bar">
      <h1 className="brand" aria-label="hyperhive">
        <span className="wide" aria-hidden="true">
          ░▒▓{" "}
        </span>
        HYPER<i>HIVE</i>
      </h1>
      {hive.mode === "rehearsal" ? (
        <span className="chip cyan" title={`a scripted model answers; scenarios: ${hive.scenarios.join(", ")}`}>
          rehearsal
        </span>
      ) : (
        <span className="chip green" title={`model requests go to ${hive.upstream}`}>
          {hive.upstream}
        </span>
      )}
      <span className="grow" />
      {stuck > 0 && <span className="chip red">{stuck === 1 ? "1 message stuck" : `${stuck} messages stuck`}</span>}
      {questions > 0 && <span className="chip mauve wide">{questions === 1 ? "1 question" : `${questions} questions`}</span>}
      {hive.operator_unread > 0 && <span className="chip amber wide">{hive.operator_unread} unread</span>}
      <span className="chip wide">
        today {count(hive.tokens_today)} tok · {dollars(hive.cost_today_usd)}
      </span>
      <span className={`chip ${isLive ? "green" : "amber"}`} role="status">
        <span className={`dot ${isLive ? "" : "live"}`} aria-hidden="true" />
        {isLive ? "live" : "connecting"}
      </span>
    </header>
  );
}

/** What the whole hive has to say. Rehearsal has its chip; on the first page it is also explained. */
function Banners(): ReactNode {
  const banners = useHive((state) => state.hive.banners);
  const colours = { info: "cyan", warn: "amber", error: "red" } as const;
  return banners.map(({ level, text }) => (
    <div key={text} className={`banner ${colours[level]}`} role={level === "error" ? "alert" : "note"}>
      {text}
    </div>
  ));
}

/** The drawer that the address names: `?open=logs:hm1nd`. */
function OpenDrawer(): ReactNode {
  const { open } = useSearch({ from: "/" });
  const navigate = useNavigate();
  if (open === undefined) return null;
  return (
    <Suspense>
      <AgentDrawer open={open} onClose={() => void navigate({ to: "/", search: (search) => ({ ...search, open: undefined }) })} />
    </Suspense>
  );
}
