import type { Bus } from "../lib/bus.ts";
import type { MessageEvents } from "../messages/events.ts";
import type { TurnEvent } from "../wire/event.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import type { TurnResult } from "../wire/turn-ends.ts";
import type { Agent } from "./agent.ts";
import type { HarnessSession } from "./harness-session.ts";

/** Events about agents. Each is emitted after its commit. Parts subscribe in their constructors. */
export interface AgentEvents extends MessageEvents {
  /** A displayed value of an agent, or of the hive, has changed. */
  changed: Agent | "hive";
  /**
   * A cage has no process any more. Emitted with `emitAndWait`: the turn ends and the leases are returned before the
   * cage counts as ended.
   */
  cage_ended: { agent: Agent; why: string };
  /** A harness has said hello and is the agent's harness from now on. */
  harness_connected: { agent: Agent; session: HarnessSession };
  /** The broker has asked the agent's idle harness to sleep. Its process is about to exit. */
  harness_dozing: Agent;
  /** Emitted between two turns: the harness has a revision, protocol or generation other than the expected one. */
  harness_outdated: Agent;
  /** A turn has ended. `outcome` is absent if the daemon ended the turn because its harness had gone. */
  turn_ended: { agent: Agent; result: TurnResult; outcome?: TurnOutcome };
  /**
   * A limit of the agent's budget, of the hive's, or of the model's API has stopped it, is nearly reached, or lets it go
   * on.
   */
  budget_changed: Agent;
  /** An agent was destroyed. With `purged`, it cannot be revived. */
  agent_destroyed: { agent: Agent; purged: boolean };
  /** A change of an agent was proposed, has moved or has ended. */
  change_stored: { change: number; agent: string; isOver: boolean };
  /** The end of a turn is stored. `at` is when it ended, in milliseconds. */
  turn_recorded: { agent: Agent; end: Extract<TurnEvent, { type: "turn_end" }>; at: number };
  /** The operator has stopped everything (true), or started the agents that ran (false). */
  all_stopped: boolean;
}

export type AgentBus = Bus<AgentEvents>;
