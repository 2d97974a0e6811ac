import type { ReactNode } from "react";
import type { MessageView } from "../../src/wire/message.ts";
import { Allowed, AllowedOrWhy } from "../kit/allowed.tsx";
import { Action } from "../kit/button.tsx";
import { MessageBody } from "../kit/message-body.tsx";
import { Who } from "../kit/text.tsx";
import { Age } from "../kit/time.tsx";
import { call } from "../lib/api.ts";
import { visible } from "../lib/text.ts";

/** A dead message, or a chain that the loop brake holds. */
export function StuckCard({ message }: { message: MessageView }): ReactNode {
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
        {message.reason !== undefined && <p className="dim">{visible(message.reason)}</p>}
        <MessageBody message={message} />
      </div>
      <div className="foot">
        {isHeld ? (
          <Allowed to="chain_resume">
            <Action kind="go" run={() => call("chain_resume", { chain: message.chain }).then(() => "the chain goes on")}>
              let it go on
            </Action>
          </Allowed>
        ) : (
          <Allowed to="message_retry">
            <Action kind="go" run={() => call("message_retry", { id: message.id }).then(() => "back in its inbox")}>
              try again
            </Action>
          </Allowed>
        )}
        <AllowedOrWhy to="message_drop">
          <Action kind="no" run={() => call("message_drop", { id: message.id }).then(() => "dropped")}>
            drop
          </Action>
        </AllowedOrWhy>
      </div>
    </article>
  );
}
