import { useSearch } from "@tanstack/react-router";
import { useState, type ReactNode } from "react";
import { withAttached } from "../../src/wire/attached.ts";
import type { AgentView } from "../../src/wire/agent.ts";
import { Compose } from "../kit/compose.tsx";
import { Sheet } from "../kit/lazy.tsx";
import { toast } from "../kit/toast.tsx";
import { ApiError, call } from "../lib/api.ts";
import { upload } from "../lib/upload.ts";
import { clearTail } from "../lib/store.ts";
import { runCommand } from "./run-command.ts";
import { SLASH, readTyped, suggestCommands } from "./slash.ts";

/** The box under the tail. Enter sends a message to this agent; `/` starts a command for its harness. */
export function Prompt({ agent }: { agent: AgentView }): ReactNode {
  const [isHelp, setHelp] = useState(false);
  const { name } = agent;
  const { open } = useSearch({ from: "/agent/$name" });
  const [isOpening] = useState(() => open === undefined);
  if (agent.destroyed)
    return <div className="compose dim">{name} is destroyed; its history stays. Revive it on the dashboard to write to it.</div>;

  const send = async (text: string, clientId: string, files: readonly string[]): Promise<void> => {
    const typed = readTyped(text);
    if (typed.kind === "message") {
      await call("send", { to: name, body: withAttached(typed.body, files), client_id: clientId });
    } else if (files.length > 0) {
      throw new ApiError("bad_request", "files go with a message, and not with a command");
    } else if (typed.kind === "command" && typed.name === "help") {
      setHelp(true);
    } else if (typed.kind === "command" && typed.name === "clear") {
      clearTail(name);
    } else {
      toast(await runCommand(name, typed));
    }
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
        suggest={(text) => suggestCommands(text)}
        attach={(file) => upload(name, file)}
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
