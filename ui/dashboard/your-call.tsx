import { Link } from "@tanstack/react-router";
import { useMemo, type ReactNode } from "react";
import { ApprovalCard } from "../approval/card.tsx";
import { Action } from "../kit/button.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Empty, Panel } from "../kit/panel.tsx";
import { QuestionCard } from "../kit/question-card.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { pendingApprovals, underway } from "../lib/approvals.ts";
import { useHive } from "../lib/store.ts";
import type { MessageView } from "../../src/wire/message.ts";
import { stuckMessages } from "../lib/waiting.ts";
import { Guide } from "./guide.tsx";
import { visible } from "../lib/text.ts";

/** What only the operator can do: decide on requests, answer questions, and move messages that are stuck. */
export function YourCall(): ReactNode {
  const questions = useHive((state) => state.questions);
  const approvals = useHive((state) => state.approvals);
  const messages = useHive((state) => state.messages);
  const elsewhere = useHive((state) => state.elsewhere);
  const open = [...questions.values()].filter((question) => question.state === "open").sort((a, b) => a.id - b.id);
  const stuck = useMemo(() => stuckMessages({ messages, elsewhere }), [messages, elsewhere]);
  const pending = pendingApprovals({ approvals });
  const moving = underway({ approvals });
  const nothing = open.length + stuck.length + pending.length + moving.length === 0;
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
        {stuck.map((message) => (
          <Stuck key={message.id} message={message} />
        ))}
        {pending.map((approval) => (
          <ApprovalCard key={approval.id} approval={approval} />
        ))}
        {open.map((question) => (
          <QuestionCard key={question.id} question={question} />
        ))}
        {moving.map((approval) => (
          <ApprovalCard key={approval.id} approval={approval} />
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
        <MessageBody body={message.body} />
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
