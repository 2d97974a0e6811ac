import type { ReactNode } from "react";
import type { AgentView } from "../../src/wire/agent.ts";
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

/** What an agent is doing and since when; with the end where one is known. */
export function StateBadge({ agent }: { agent: AgentView }): ReactNode {
  const state = agent.destroyed ? "destroyed" : agent.state === "idle" && agent.asleep ? "asleep" : agent.state.replace("_", " ");
  const isBusy = agent.state === "thinking" || agent.state === "compacting";
  const since = agent.state === "thinking" && agent.turn_started_at ? agent.turn_started_at : agent.state_since;
  const colour = agent.destroyed ? "" : COLOURS[agent.state];
  const isActive = isBusy || agent.state === "idle";
  return (
    <span className={`chip ${colour}`} title={agent.state_reason}>
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
