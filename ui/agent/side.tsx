import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { MessageBody } from "../kit/message-body.tsx";
import { QuestionCard } from "../kit/question-card.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { useHive } from "../lib/store.ts";
import { count, dollars } from "../lib/text.ts";

/** Messages of an inbox that are shown at once. */
const SHOWN = 20;

/** Beside the tail: what waits in the agent's inbox, what it asks, and what it has used. */
export function Side({ agent }: { agent: AgentView }): ReactNode {
  const { name } = agent;
  const messages = useHive((state) => state.messages);
  const questions = useHive((state) => state.questions);
  const waiting = useMemo(
    () =>
      messages.filter(
        (message) =>
          message.to === name && (message.state === "queued" || message.state === "leased" || message.state === "held"),
      ),
    [messages, name],
  );
  const open = [...questions.values()].filter((question) => question.agent === name && question.state === "open");
  return (
    <aside className="side" aria-label={`about ${name}`}>
      {open.length > 0 && (
        <section aria-label="questions">
          <h2 aria-label="its questions">QU3STI0NS</h2>
          {open.map((question) => (
            <QuestionCard key={question.id} question={question} />
          ))}
        </section>
      )}
      <details open>
        <summary>
          <h2 aria-label="inbox">1NB0X</h2>
          <span className="dim">{waiting.length > 0 ? waiting.length : "empty"}</span>
        </summary>
        {waiting.slice(0, SHOWN).map((message) => (
          <div key={message.id} className="side-msg">
            <Who name={message.from} />{" "}
            <span className={message.state === "leased" ? "amber" : "faint"}>
              {message.state === "leased" ? "in turn" : message.state} · <Age since={message.created_at} />
            </span>
            <MessageBody body={message.body} />
          </div>
        ))}
        {waiting.length > SHOWN && <div className="dim">and {waiting.length - SHOWN} more</div>}
      </details>
      <details open>
        <summary>
          <h2 aria-label="today">T0D4Y</h2>
        </summary>
        <dl className="facts">
          <dt>tokens</dt>
          <dd>{count(agent.tokens_today)}</dd>
          <dt>cost</dt>
          <dd>{dollars(agent.cost_today_usd)}</dd>
          <dt>lives since</dt>
          <dd>
            <Age since={agent.created_at} />
          </dd>
          {agent.description && (
            <>
              <dt>for</dt>
              <dd>{agent.description}</dd>
            </>
          )}
          {agent.revision && (
            <>
              <dt>runtime</dt>
              <dd>{agent.revision}</dd>
            </>
          )}
        </dl>
      </details>
      <p className="side-foot">
        <Link to="/">all messages</Link>
      </p>
    </aside>
  );
}
