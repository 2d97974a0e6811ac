import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
import { isRetrying, resumesAt, stateWordOf } from "../lib/agent-state.ts";
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

/** An agent's state and how long it has lasted, with its end if known. */
export function StateBadge({ agent }: { agent: AgentView }): ReactNode {
  const state = stateWordOf(agent);
  const isBusy = agent.state === "thinking" || agent.state === "compacting";
  const since = agent.state === "thinking" && agent.turn_started_at ? agent.turn_started_at : agent.state_since;
  const colour = agent.destroyed ? "" : isRetrying(agent) ? "amber" : COLOURS[agent.state];
  const until = resumesAt(agent);
  const isActive = isBusy || agent.state === "idle";
  return (
    <span className={`chip ${colour}`} title={agent.state_reason === undefined ? undefined : visible(agent.state_reason)}>
      {isActive && !agent.destroyed && <span className={`dot ${isBusy ? "live" : ""}`} aria-hidden="true" />}
      {state}{" "}
      {until !== undefined ? (
        <span>
          · <Until at={until} />
        </span>
      ) : (
        !agent.destroyed && <Age since={since} />
      )}
    </span>
  );
}
