import type { TurnOutcome } from "../wire/harness.ts";
import type { Announcements } from "../messages/announcements.ts";
import type { AgentBus } from "./events.ts";

/**
 * The event that a park begins, by its reason. A lost session is replaced at once, and the end of its turn reports it.
 */
const BEGINS: Record<Extract<TurnOutcome, { kind: "parked" }>["why"], string | undefined> = {
  needs_login: "needs_login",
  rate_limited: "rate_limited",
  upstream: "upstream_down",
  billing: "parked",
  config: "parked",
  machine: "parked",
  session_lost: undefined,
  session_refused: undefined,
};
/** Conditions that a successful turn ends. */
const OVER = ["logged_in", "rate_limit_over", "upstream_back", "unparked"] as const;

/** Announces what each turn's end reveals about its agent and about the services that it uses. */
export function announceOutcomes(bus: Pick<AgentBus, "on">, announcements: Pick<Announcements, "announce" | "over">): void {
  bus.on("turn_ended", async ({ agent, outcome }) => {
    if (outcome) await announceOutcome(announcements, agent.name, outcome);
  });
}

async function announceOutcome(
  announcements: Pick<Announcements, "announce" | "over">,
  agent: string,
  outcome: TurnOutcome,
): Promise<void> {
  if (outcome.kind === "ok") for (const kind of OVER) await announcements.over(kind, agent);
  const event = outcome.kind === "parked" ? BEGINS[outcome.why] : undefined;
  if (outcome.kind === "parked" && event !== undefined) await announcements.announce({ event, agent, reason: outcome.reason });
}
