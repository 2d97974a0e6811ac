import type { Bus } from "../lib/bus.ts";
import type { MessageEvents } from "../messages/events.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import type { Agent } from "./agent.ts";
import type { HarnessSession } from "./harness-session.ts";

/** What has happened to agents, after it is committed. Parts subscribe in their constructors. */
export interface AgentEvents extends MessageEvents {
  /** Something that is shown has changed: of an agent, or of the hive as a whole. */
  changed: Agent | "hive";
  /**
   * A cage has no process any more. Emitted with `emitAndWait`: its turn is ended and its leases are returned before the
   * cage counts as ended.
   */
  cage_ended: { agent: Agent; why: string };
  /** A harness has said hello and is the agent's harness from now on. */
  harness_connected: { agent: Agent; session: HarnessSession };
  /** The broker has told the agent's idle harness to sleep: its process is about to end. */
  harness_dozing: Agent;
  /** Between two turns: the harness has another revision, protocol or generation than it should have. */
  harness_outdated: Agent;
  /** A turn has ended. `outcome` is absent if the daemon ended the turn because its harness had gone. */
  turn_ended: { agent: Agent; result: TurnResult; outcome?: TurnOutcome };
  /** The operator has stopped everything (true), or started what ran (false). */
  all_stopped: boolean;
}

export type AgentBus = Bus<AgentEvents>;
