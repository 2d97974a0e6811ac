import { Link, useNavigate } from "@tanstack/react-router";
import { useEffect, useMemo, useState, type ReactNode } from "react";
import { callKey } from "../../src/wire/calls.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { byRank } from "../dashboard/containers.tsx";
import { KeyHelp } from "../kit/key-help.tsx";
import { OpenDrawer } from "../kit/open-drawer.tsx";
import { StateBadge } from "../kit/state-badge.tsx";
import { Empty } from "../kit/panel.tsx";
import { Who } from "../kit/text.tsx";
import { Age, useNow } from "../kit/time.tsx";
import { Banners, TopBar } from "../kit/top-bar.tsx";
import { call } from "../lib/api.ts";
import { useFetched } from "../lib/fetched.ts";
import { useKeys, type Key } from "../lib/keys.ts";
import { loadOlderMessages, useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";
import { stuckMessages } from "../lib/waiting.ts";
import { useNarrow } from "../lib/narrow.ts";
import { edgesOf, RECENT_MS, troubles, waitingSince, type Edge } from "./edges.ts";
import { layoutFor } from "./layout.ts";
import { Loops } from "./loops.tsx";
import { Picture } from "./picture.tsx";

/** More edges cannot be told apart. */
const MAX_EDGES = 60;

const currentLoops = () => call("loops", {});

/** The whole swarm at a glance: who talks to whom, who is stuck, who waits. */
export function SwarmPage(): ReactNode {
  const agents = useHive((state) => state.agents);
  const messages = useHive((state) => state.messages);
  const questions = useHive((state) => state.questions);
  const now = useNow();
  const navigate = useNavigate();
  const [isHelp, setHelp] = useState(false);
  const keys: Key[] = [
    { key: "u", words: "back to the dashboard", run: () => void navigate({ to: "/" }) },
    { key: "h", words: "history of requests", run: () => void navigate({ to: "/history" }) },
    { key: "?", words: "this list", run: () => setHelp(true) },
  ];
  useKeys(keys);
  useEffect(() => {
    document.title = "swarm · hyperhive";
    // The snapshot has a hundred messages, which is less than an hour in a busy hive. Newer ones arrive through the
    // stream.
    loadOlderMessages().catch(() => {});
  }, []);
  const live = useMemo(() => [...agents.values()].filter((agent) => !agent.destroyed).sort(byRank), [agents]);
  const isNarrow = useNarrow();
  const layout = useMemo(() => layoutFor(live.filter(({ role }) => role !== "manager").length, isNarrow), [live, isNarrow]);
  const mail = useMemo(() => waitingSince(messages), [messages]);
  const asking = new Map<string, string>();
  for (const one of questions.values()) if (one.state === "open" && !asking.has(one.agent)) asking.set(one.agent, one.asked_at);
  const minute = Math.floor(now / 10_000);
  const readUpTo = useHive((state) => state.hive.read_up_to);
  const edges = useMemo(
    () => edgesOf(messages, minute * 10_000 - RECENT_MS, readUpTo).slice(0, MAX_EDGES),
    [messages, minute, readUpTo],
  );
  const elsewhere = useHive((state) => state.elsewhere);
  const stuck = useMemo(() => stuckMessages({ messages, elsewhere }), [messages, elsewhere]);
  // What loops cost changes with the tokens of today, and which are held with the messages that are stuck.
  const tokens = useHive((state) => count(state.hive.tokens_today));
  const mark = `${tokens} ${stuck.map(({ id }) => id).join(" ")}`;
  const { value: looping, again } = useFetched(currentLoops, mark);
  const loops = (looping?.loops ?? []).filter(({ held, last_at }) => held || now - Date.parse(last_at) < RECENT_MS);
  const found = troubles(live, asking, mail, now);
  return (
    <>
      <TopBar onHelp={() => setHelp(true)} />
      <Banners />
      <main className="swarm-page">
        <section className="panel picture" aria-label="swarm">
          <header>
            <h2 aria-label="swarm">SW4RM</h2>
            <span className="dim note">who talks to whom, the last hour</span>
          </header>
          <Picture agents={live} edges={edges} loops={loops} now={now} asking={asking} layout={layout} />
        </section>
        <div className="col">
          {looping && loops.length > 0 && <Loops loops={loops} limit={looping.limit} again={again} />}
          <section className="panel" aria-label="stuck or waiting">
            <header>
              <h2 aria-label="stuck or waiting">STUCK 0R W4ITING</h2>
              <span className="dim">{found.length + stuck.length || ""}</span>
            </header>
            <div className="scroll">
              {found.length + stuck.length === 0 && <Empty>No agent is stuck or waiting.</Empty>}
              {stuck.map((message) => (
                <StuckRow key={message.id} message={message} />
              ))}
              {found.map(({ agent, words, colour, since }) => (
                <div key={agent.id} className="row">
                  <div className="l1">
                    <Link to="/agent/$name" params={{ name: agent.name }} className="name">
                      {agent.name}
                    </Link>
                    <StateBadge agent={agent} />
                  </div>
                  <div className={`status ${colour}`} title={visible(words)}>
                    {visible(words)}
                    {since !== undefined && (
                      <span className="faint">
                        {" "}
                        · <Age since={since} />
                      </span>
                    )}
                  </div>
                </div>
              ))}
            </div>
          </section>
          <section className="panel fill" aria-label="who talks to whom">
            <header>
              <h2 aria-label="who talks to whom">T4LK</h2>
            </header>
            <div className="scroll" tabIndex={0} role="group" aria-label="pairs">
              {edges.length === 0 ? <Empty>No messages in the last hour.</Empty> : <Pairs edges={edges} />}
            </div>
          </section>
        </div>
      </main>
      <KeyHelp keys={keys} isOpen={isHelp} onClose={() => setHelp(false)} />
      <OpenDrawer />
    </>
  );
}

/** A message that only the operator can move, with the way to its card. */
function StuckRow({ message }: { message: MessageView }): ReactNode {
  const { id, from, to, state, reason, updated_at: since } = message;
  const words = visible(reason ?? "it could not be delivered");
  return (
    <div className="row">
      <div className="l1">
        <Who name={from} /> <span className="faint">→</span> <Who name={to} />
        <span className="grow" />
        <Link className="to-card" to="/" search={{ card: callKey({ kind: "message", message }) }}>
          {state === "held" ? "chain held" : "dead message"} #{id}
        </Link>
      </div>
      <div className={`status ${state === "held" ? "amber" : "red"}`} title={words}>
        {words}
        <span className="faint">
          {" "}
          · <Age since={since} />
        </span>
      </div>
    </div>
  );
}

function Pairs({ edges }: { edges: readonly Edge[] }): ReactNode {
  return (
    <table className="pairs">
      <thead>
        <tr>
          <th scope="col">from → to</th>
          <th scope="col" className="n">
            messages
          </th>
          <th scope="col" className="n">
            unread
          </th>
          <th scope="col" className="n">
            last
          </th>
        </tr>
      </thead>
      <tbody>
        {edges.map((edge) => (
          <tr key={`${edge.from} ${edge.to}`}>
            <td>
              <Who name={edge.from} /> <span className="faint">→</span> <Who name={edge.to} />
            </td>
            <td className="n">{edge.count}</td>
            <td className={`n ${edge.waiting > 0 ? "amber" : "faint"}`}>{edge.waiting}</td>
            <td className="n dim">
              <Age since={edge.lastAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
