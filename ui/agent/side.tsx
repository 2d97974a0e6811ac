import { costWords } from "../../src/wire/cost.ts";
import { Link } from "@tanstack/react-router";
import { Fragment, useEffect, useMemo, type ReactNode } from "react";
import type { AgentView, QuestionView } from "../../src/wire/agent.ts";
import { Deploys } from "../drawer/deploys.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { OpenLink } from "../kit/open-link.tsx";
import { QuestionCard } from "../kit/question-card.tsx";
import { Who, Words } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { WorkChip } from "../kit/work.tsx";
import { call } from "../lib/api.ts";
import { CHANGE_COLOURS, changeName, openChanges, stateWords } from "../lib/changes.ts";
import { focusOn, inSight } from "../lib/in-sight.ts";
import { ownAddress } from "../lib/own-port.ts";
import { know, useHive } from "../lib/store.ts";
import { count, visible } from "../lib/text.ts";
import { useShownQuestions } from "../lib/unsent.ts";
import { Charts } from "./charts.tsx";
import { Egress } from "./egress.tsx";

/** Messages of an inbox that are shown. */
const SHOWN = 20;

/** The column next to the tail: open questions, inbox, open changes, charts, egress, deploys. */
export function Side({ agent }: { agent: AgentView }): ReactNode {
  const { name } = agent;
  return (
    <aside className="side" aria-label={`about ${name}`} tabIndex={0}>
      <OpenQuestions name={name} />
      <Inbox agent={agent} />
      <OpenChanges name={name} />
      <Part leet="TURN5" label="turns">
        <Charts name={name} />
        <p>
          <Link to="." search={(search) => ({ ...search, open: `turns:${name}` })} className="small">
            every turn in a table
          </Link>
        </p>
      </Part>
      <Part leet="EGR3SS" label="egress">
        <Egress name={name} />
      </Part>
      <Part leet="DEPL0YS" label="deploys">
        <Deploys name={name} newest={5} />
      </Part>
      <Part leet="F4CTS" label="facts">
        <dl className="facts">
          <dt>today</dt>
          <dd>
            {count(agent.tokens_today)} tok · {costWords(agent.cost_today_usd, agent.unpriced_today)}
          </dd>
          {agent.work?.map((work) => (
            <Fragment key={work.repo}>
              <dt>{visible(work.repo)}</dt>
              <dd>
                <WorkChip work={work} />
              </dd>
            </Fragment>
          ))}
          <dt>created</dt>
          <dd>
            <Age since={agent.created_at} /> ago
          </dd>
          {agent.description && (
            <>
              <dt>for</dt>
              <dd>
                <Words text={agent.description} />
              </dd>
            </>
          )}
          {agent.revision && (
            <>
              <dt>runtime</dt>
              <dd>{visible(agent.revision)}</dd>
            </>
          )}
          {agent.port !== undefined && (
            <>
              <dt>own port</dt>
              <dd>
                <a href={ownAddress(agent, location)}>{agent.port}</a>
              </dd>
            </>
          )}
        </dl>
        <p>
          <Link to="/" search={{ tab: "flow", who: name }} className="small">
            all its messages
          </Link>
        </p>
        {!agent.destroyed && (
          <p>
            <OpenLink open={`limits:agent:${name}`} className="small">
              what it may spend
            </OpenLink>
          </p>
        )}
      </Part>
    </aside>
  );
}

const useQuestionsOf = (name: string): readonly QuestionView[] =>
  useShownQuestions(useHive((state) => state.questions)).filter((question) => question.agent === name);

/** The agent's first open question. */
const FIRST = ".asks .card";

/** On a phone, a line between the tail and the prompt that links to the agent's first question. */
export function QuestionsLine({ name }: { name: string }): ReactNode {
  const { length: open } = useQuestionsOf(name);
  if (open === 0) return null;
  return (
    <Link
      to="."
      search={(search) => ({ ...search, tab: "side" })}
      className="asks-line"
      // The link disappears with the tail, and the other tab may still be scrolled down.
      onClick={() =>
        inSight(
          FIRST,
          () => {},
          () => focusOn(FIRST),
        )
      }
    >
      ◆ {open === 1 ? "1 question waits" : `${open} questions wait`} for you
      <span className="grow" />
      answer
    </Link>
  );
}

/** The agent's open questions, which can be answered here. They come first. */
function OpenQuestions({ name }: { name: string }): ReactNode {
  const open = useQuestionsOf(name);
  if (open.length === 0) return null;
  return (
    <section className="asks" aria-label="its questions">
      <h2 aria-label="its questions">QU3STI0NS</h2>
      {open.map((question) => (
        <QuestionCard key={question.id} question={question} />
      ))}
    </section>
  );
}

/** The agent's changes that have not ended. */
function OpenChanges({ name }: { name: string }): ReactNode {
  const changes = useHive((state) => state.changes);
  const own = useMemo(() => openChanges({ changes }).filter((one) => one.agent === name), [changes, name]);
  if (own.length === 0) return null;
  return (
    <Part leet="CH4NGES" label="open changes" note={own.length}>
      <ul className="plain">
        {own.map((change) => (
          <li key={change.id}>
            <Link to="/change/$id" params={{ id: String(change.id) }}>
              {visible(`${changeName(change)} ${change.title}`)}
            </Link>{" "}
            <span className={CHANGE_COLOURS[change.state]}>{stateWords(change)}</span>
          </li>
        ))}
      </ul>
    </Part>
  );
}

function Part({
  leet,
  label,
  note,
  children,
}: {
  leet: string;
  label: string;
  note?: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <details open>
      <summary>
        <h2 aria-label={label}>{leet}</h2>
        <span className="dim">{note}</span>
      </summary>
      {children}
    </details>
  );
}

/** Waiting messages, oldest first: the order in which the agent reads them. */
function Inbox({ agent }: { agent: AgentView }): ReactNode {
  const { name } = agent;
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  useEffect(() => {
    // The oldest waiting messages may be older than everything the page has loaded.
    call("messages", { agent: name, waiting: true, limit: SHOWN }).then(
      ({ messages: waiting }) => know(waiting),
      () => {}, // The page shows what it has. A lost connection has its own banner.
    );
  }, [name]);
  const waiting = useMemo(() => {
    const byId = new Map([...elsewhere.values(), ...messages].map((message) => [message.id, message]));
    return [...byId.values()]
      .filter((one) => one.to === name && (one.state === "queued" || one.state === "leased" || one.state === "held"))
      .sort((a, b) => a.id - b.id);
  }, [messages, elsewhere, name]);
  const total = Math.max(agent.unread, waiting.length);
  return (
    <Part leet="1NB0X" label="inbox" note={total > 0 ? total : "empty"}>
      {waiting.slice(0, SHOWN).map((message) => (
        <div key={message.id} className="side-msg">
          <Who name={message.from} />{" "}
          <span className={message.state === "leased" ? "amber" : "faint"}>
            {message.state === "leased" ? "in turn" : message.state} · <Age since={message.created_at} />
          </span>
          <MessageBody message={message} />
        </div>
      ))}
      {total > SHOWN && <div className="dim">and {total - SHOWN} more</div>}
    </Part>
  );
}
