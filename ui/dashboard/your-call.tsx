import { Link } from "@tanstack/react-router";
import { Fragment, useMemo, type ReactNode } from "react";
import { ApprovalCard } from "../approval/card.tsx";
import { Action } from "../kit/button.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { QuestionCard } from "../kit/question-card.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { useHive } from "../lib/store.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { useShownApprovals, useShownQuestions } from "../lib/unsent.ts";
import { stuckMessages } from "../lib/waiting.ts";
import { Guide } from "./guide.tsx";
import { visible } from "../lib/text.ts";

interface Card {
  /** When it came. */
  at: string;
  key: string;
  card: ReactNode;
}

/**
 * What only the operator can do: decide on requests, answer questions, and move messages that are stuck. What came last
 * stands last, and a request that was approved stays in its place: no button moves under the finger.
 */
export function YourCall(): ReactNode {
  const questions = useShownQuestions(useHive((state) => state.questions));
  const approvals = useShownApprovals(useHive((state) => state.approvals));
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  const cards = useMemo((): Card[] => {
    const found: Card[] = [
      ...stuckMessages({ messages, elsewhere }).map((message) => ({
        at: message.updated_at,
        key: `message${message.id}`,
        card: <Stuck message={message} />,
      })),
      ...approvals.map((approval) => ({
        at: approval.requested_at,
        key: `approval${approval.id}`,
        card: <ApprovalCard approval={approval} />,
      })),
      ...questions.map((question) => ({
        at: question.asked_at,
        key: `question${question.id}`,
        card: <QuestionCard question={question} />,
      })),
    ];
    return found.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  }, [questions, approvals, messages, elsewhere]);
  const nothing = cards.length === 0;
  return (
    <Panel
      leet="Y3R C4LL"
      label="your call: what waits for you"
      note="what waits for you"
      className={nothing ? "" : "fill"}
      actions={
        <Link to="/history" className="dim">
          history
        </Link>
      }
    >
      <div className="scroll calls">
        <Guide isBusy={!nothing} />
        {nothing && (
          <Empty>
            Nothing waits for you. Requests to approve, questions of agents, and messages that cannot be delivered appear here.
          </Empty>
        )}
        {cards.map(({ key, card }) => (
          <Fragment key={key}>{card}</Fragment>
        ))}
      </div>
    </Panel>
  );
}

/** A message that went wrong for good, or a chain that went on for too long. */
function Stuck({ message }: { message: MessageView }): ReactNode {
  const isHeld = message.state === "held";
  return (
    <article className={`card ${isHeld ? "" : "wrong"}`} tabIndex={-1} aria-label={`message ${message.id} is stuck`}>
      <div>
        <span className={isHeld ? "amber" : "red"}>
          {isHeld ? "chain held" : "dead message"} #{message.id}
        </span>{" "}
        · <Who name={message.from} /> → <Who name={message.to} />{" "}
        <span className="dim">
          <Age since={message.updated_at} /> ago
        </span>
        <p className="dim">
          {isHeld ? `Agents have answered each other ${message.hops} times without you.` : visible(message.reason ?? "")}
        </p>
        <MessageBody from={message.from} body={message.body} />
      </div>
      <div className="foot">
        {isHeld ? (
          <Action kind="go" run={() => call("chain_resume", { chain: message.chain }).then(() => "the chain goes on")}>
            let it go on
          </Action>
        ) : (
          <Action kind="go" run={() => call("message_retry", { id: message.id }).then(() => "back in its inbox")}>
            try again
          </Action>
        )}
        <Action kind="no" run={() => call("message_drop", { id: message.id }).then(() => "dropped")}>
          drop
        </Action>
      </div>
    </article>
  );
}
