import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { Compose, type Suggestion } from "../kit/compose.tsx";
import { addressed } from "../lib/addressed.ts";
import { ApiError, call } from "../lib/api.ts";
import { hasPainted } from "../lib/after-first-paint.ts";
import { visible } from "../lib/text.ts";

const RECIPIENT = "recipient";

/** The compose box. `@name` chooses the recipient, which stays chosen. */
export function FlowCompose({ names }: { names: string[] }): ReactNode {
  const [recipient, setRecipient] = useState(() => sessionStorage.getItem(RECIPIENT) ?? "hm1nd");
  const { with: reply, open, q } = useSearch({ from: "/" });
  // Take the focus only when the page is first opened, not when the operator returns from another page.
  const [isOpening] = useState(() => !hasPainted() && open === undefined && q === undefined);
  const navigate = useNavigate();
  const [replyName, replyId] = reply?.split(":") ?? [];
  const to = replyName ?? recipient;

  const suggest = (text: string): Suggestion[] => {
    const typed = /^@([a-z0-9-]*)$/.exec(text)?.[1];
    if (typed === undefined) return [];
    return [...names, "*"]
      .filter((name) => name.startsWith(typed))
      .map((name) => ({ text: `@${name} `, label: `@${name}`, hint: name === "*" ? "every agent" : "" }));
  };
  const choose = (name: string): void => {
    setRecipient(name);
    sessionStorage.setItem(RECIPIENT, name);
    if (reply !== undefined) void navigate({ to: "/", search: (search) => ({ ...search, with: undefined }), replace: true });
  };
  const send = async (text: string, clientId: string): Promise<void> => {
    const draft = addressed(text, to);
    if (draft.body === "") return choose(draft.to);
    const isReply = replyName !== undefined && draft.to === replyName;
    const { refused } = await call("send", {
      to: draft.to,
      body: draft.body,
      client_id: clientId,
      ...(isReply && replyId ? { in_reply_to: Number(replyId) } : {}),
    });
    choose(draft.to);
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
