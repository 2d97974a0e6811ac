import { useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { OFFERED_MODELS } from "../../src/wire/models.ts";
import { Compose, type Suggestion } from "../kit/compose.tsx";
import { Sheet } from "../kit/lazy.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { clearTail } from "../lib/store.ts";
import { SLASH, readTyped, type SlashName } from "./slash.ts";

/** The box under the tail. Enter sends a message to this agent; `/` starts a command for its harness. */
export function Prompt({ agent }: { agent: AgentView }): ReactNode {
  const [isHelp, setHelp] = useState(false);
  const { name } = agent;
  const { open } = useSearch({ from: "/agent/$name" });
  const [isOpening] = useState(() => open === undefined);
  if (agent.destroyed)
    return <div className="compose dim">{name} is destroyed; its history stays. Revive it on the dashboard to write to it.</div>;

  const suggest = (text: string): Suggestion[] => {
    const model = /^\/model (\S*)$/.exec(text)?.[1];
    if (model !== undefined && !OFFERED_MODELS.includes(model))
      return OFFERED_MODELS.filter((one) => one.startsWith(model)).map((one) => ({
        text: `/model ${one}`,
        label: one,
        hint: "",
      }));
    const typed = /^\/([a-z-]*)$/.exec(text)?.[1];
    if (typed === undefined) return [];
    return (Object.keys(SLASH) as SlashName[])
      .filter((one) => one.startsWith(typed))
      .map((one) => ({ text: one === "model" ? "/model " : `/${one}`, label: `/${one}`, hint: SLASH[one] }));
  };
  const commands: Record<SlashName, (argument: string) => Promise<string | undefined>> = {
    help: async () => {
      setHelp(true);
      return undefined;
    },
    clear: async () => {
      clearTail(name);
      return undefined;
    },
    cancel: async () =>
      (await call("cancel", { name })).cancelled ? "cancelled; its message was dropped" : "no turn was running",
    compact: async () => {
      await call("compact", { name });
      return "compacting";
    },
    model: async (model) => {
      if (model === "") throw new ApiError("bad_request", "which model? /model <name>");
      const { note } = await call("model", { name, model });
      return `${name} uses ${model} from its next turn on${note === undefined ? "" : `. ${note}`}`;
    },
    "new-session": async () => {
      await call("new_session", { name });
      return "a new session begins with the next turn";
    },
    pause: async () => {
      await call("set_paused", { name, paused: true });
      return `${name} is paused; its messages queue`;
    },
    resume: async () => {
      await call("set_paused", { name, paused: false });
      return `${name} resumed`;
    },
  };
  const send = async (text: string, clientId: string): Promise<void> => {
    const typed = readTyped(text);
    if (typed.kind === "unknown") throw new ApiError("bad_request", `there is no command /${typed.name}; /help lists them`);
    if (typed.kind === "message") {
      await call("send", { to: name, body: typed.body, client_id: clientId });
      return;
    }
    const words = await commands[typed.name](typed.argument);
    if (words) toast(words);
  };
  return (
    <>
      <Compose
        draftKey={`agent:${name}`}
        label={`message to ${name}`}
        placeholder={`message ${name}…  / for commands`}
        lead={
          <span className="green to" aria-hidden="true">
            ❯
          </span>
        }
        suggest={suggest}
        send={send}
        takesFocus={isOpening}
      />
      <Sheet isOpen={isHelp} onClose={() => setHelp(false)} title="commands">
        <dl className="help">
          {Object.entries(SLASH).map(([command, words]) => (
            <div key={command}>
              <dt className="amber">/{command}</dt>
              <dd className="dim">{words}</dd>
            </div>
          ))}
        </dl>
        <p className="dim">Everything else is a message. Enter sends it, Shift+Enter breaks the line.</p>
      </Sheet>
    </>
  );
}
