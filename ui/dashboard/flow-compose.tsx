import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { Compose, type Suggestion } from "../kit/compose.tsx";
import { runCommand } from "../agent/run-command.ts";
import { readTyped, suggestCommands } from "../agent/slash.ts";
import { toast } from "../kit/toast.tsx";
import { addressed, EVERYONE, nextRecipient } from "../lib/addressed.ts";
import { ApiError, call } from "../lib/api.ts";
import { hasPainted } from "../lib/after-first-paint.ts";
import { visible } from "../lib/text.ts";

const RECIPIENT = "recipient";
const FIRST_RECIPIENT = "hm1nd";
/** Commands of the agent's own page. */
const PAGE_COMMANDS = ["help", "clear"] as const;

/** The agent that was written to last. */
function lastRecipient(): string {
  const kept = sessionStorage.getItem(RECIPIENT);
  return kept === null || kept === EVERYONE ? FIRST_RECIPIENT : kept;
}

/** Suggestions for a command, with or without the name before it. */
function suggestFor(text: string): Suggestion[] {
  const [, lead = "", command = text] = /^(@[a-z0-9-]+ )(\/.*)$/.exec(text) ?? [];
  return suggestCommands(command, PAGE_COMMANDS).map((one) => ({ ...one, text: lead + one.text }));
}

/**
 * The compose box. `@name` chooses the recipient, which stays chosen; `@*` writes to every agent, once. A text that
 * begins with a command of the agent's page, such as `/model haiku`, runs it for the recipient.
 */
export function FlowCompose({ names }: { names: string[] }): ReactNode {
  const [recipient, setRecipient] = useState(lastRecipient);
  const { with: reply, open, q } = useSearch({ from: "/" });
  // Take the focus only when the page is first opened, not when the operator returns from another page.
  const [isOpening] = useState(() => !hasPainted() && open === undefined && q === undefined);
  const navigate = useNavigate();
  const [replyName, replyId] = reply?.split(":") ?? [];
  const to = replyName ?? recipient;

  const suggest = (text: string): Suggestion[] => {
    const typed = /^@([a-z0-9-]*)$/.exec(text)?.[1];
    // Commands follow a name, too: `@scout /model`.
    if (typed === undefined) return suggestFor(text);
    return [...names, EVERYONE]
      .filter((name) => name.startsWith(typed))
      .map((name) => ({ text: `@${name} `, label: `@${name}`, hint: name === EVERYONE ? "every agent, this message only" : "" }));
  };
  const choose = (name: string): void => {
    setRecipient(name);
    if (name !== EVERYONE) sessionStorage.setItem(RECIPIENT, name);
    if (reply !== undefined) void navigate({ to: "/", search: (search) => ({ ...search, with: undefined }), replace: true });
  };
  const send = async (text: string, clientId: string): Promise<void> => {
    const draft = addressed(text, to);
    if (draft.body === "") return choose(draft.to);
    const typed = readTyped(draft.body);
    if (typed.kind !== "message") {
      if (draft.to === EVERYONE) throw new ApiError("bad_request", "a command is for one agent: begin with its @name");
      toast(await runCommand(draft.to, typed));
      return choose(draft.to);
    }
    const isReply = replyName !== undefined && draft.to === replyName;
    const { refused } = await call("send", {
      to: draft.to,
      body: draft.body,
      client_id: clientId,
      ...(isReply && replyId ? { in_reply_to: Number(replyId) } : {}),
    });
    choose(nextRecipient(draft.to, lastRecipient()));
    if (refused.length > 0)
      throw new ApiError("forbidden", `not delivered to ${refused.map((one) => `${one.to} (${one.error})`).join(", ")}`);
  };
  return (
    <Compose
      draftKey="flow"
      label={`message to ${visible(to)}`}
      placeholder="message… @ picks another recipient"
      lead={
        <span className="to">
          @{visible(to)}
          {replyId && (
            <button type="button" className="ghost" aria-label="do not reply to a message" onClick={() => choose(to)}>
              ↰{visible(replyId)} ✕
            </button>
          )}
        </span>
      }
      suggest={suggest}
      send={send}
      focusToken={replyId ? Number(replyId) : 0}
      takesFocus={isOpening}
    />
  );
}
