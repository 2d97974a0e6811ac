import type { TurnOutcome } from "../wire/harness.ts";
import type { Announcements } from "../messages/announcements.ts";
import { stopWords } from "../policy/stop.ts";
import type { Agent } from "./agent.ts";
import type { AgentBus } from "./events.ts";

/**
 * The event to announce when a park begins, by its reason. A lost session is replaced at once, and the end of its turn
 * reports it.
 */
const PARK_EVENTS: Record<Extract<TurnOutcome, { kind: "parked" }>["why"], string | undefined> = {
  needs_login: "needs_login",
  rate_limited: "rate_limited",
  upstream: "upstream_down",
  billing: "parked",
  config: "parked",
  machine: "parked",
  session_lost: undefined,
  session_refused: undefined,
};
/** The events to announce when a successful turn ends these conditions. */
const RECOVERY_EVENTS = ["logged_in", "rate_limit_over", "upstream_back", "unparked"] as const;

/** Announces what the end of each turn shows about its agent and about the services that it uses. */
export function announceOutcomes(
  bus: Pick<AgentBus, "on">,
  announcements: Pick<Announcements, "announce" | "announceEnd">,
): void {
  bus.on("turn_ended", async ({ agent, outcome }) => {
    if (outcome) await announceOutcome(announcements, agent, outcome);
  });
}

async function announceOutcome(
  announcements: Pick<Announcements, "announce" | "announceEnd">,
  { name: agent, overBudget }: Pick<Agent, "name" | "overBudget">,
  outcome: TurnOutcome,
): Promise<void> {
  if (outcome.kind === "ok") for (const kind of RECOVERY_EVENTS) await announcements.announceEnd(kind, agent);
  const event = outcome.kind === "parked" ? PARK_EVENTS[outcome.why] : undefined;
  if (outcome.kind !== "parked" || event === undefined) return;
  // The CLI knows only that the gateway answered 429. The limit is the hive's own, so the reason is, too.
  const isOver = outcome.why === "rate_limited" && overBudget !== undefined;
  const facts = isOver ? { over_budget: true, reason: stopWords(overBudget) } : { reason: outcome.reason };
  await announcements.announce({ event, agent, ...facts });
}
