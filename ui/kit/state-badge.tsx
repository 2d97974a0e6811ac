import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { agentStateWord } from "../../src/wire/words.ts";
import { visible } from "../lib/text.ts";
import { Age, Until } from "./time.tsx";

const COLOURS: Record<AgentView["state"], string> = {
  failed: "red",
  offline: "",
  needs_login: "amber",
  paused: "",
  rate_limited: "amber",
  compacting: "mauve",
  thinking: "mauve",
  idle: "green",
};

/** True while it rests after a failure that may pass, before it tries the same message again. */
const isRetrying = (agent: AgentView): boolean => agent.state === "idle" && agent.resumes_at !== undefined;

function wordOf(agent: AgentView): string {
  if (agent.destroyed) return "destroyed";
  if (isRetrying(agent)) return "tries again";
  return agentStateWord(agent);
}

/** What an agent is doing and since when; with the end where one is known. */
export function StateBadge({ agent }: { agent: AgentView }): ReactNode {
  const state = wordOf(agent);
  const isBusy = agent.state === "thinking" || agent.state === "compacting";
  const since = agent.state === "thinking" && agent.turn_started_at ? agent.turn_started_at : agent.state_since;
  const colour = agent.destroyed ? "" : isRetrying(agent) ? "amber" : COLOURS[agent.state];
  const isActive = isBusy || agent.state === "idle";
  return (
    <span className={`chip ${colour}`} title={agent.state_reason === undefined ? undefined : visible(agent.state_reason)}>
      {isActive && !agent.destroyed && <span className={`dot ${isBusy ? "live" : ""}`} aria-hidden="true" />}
      {state}{" "}
      {agent.resumes_at ? (
        <span>
          · <Until at={agent.resumes_at} />
        </span>
      ) : (
        !agent.destroyed && <Age since={since} />
      )}
    </span>
  );
}
