import type { TokenCounts } from "../../wire/agent.ts";
import type { Picture } from "../pictures.ts";
import type { LiveDelta, TurnEvent } from "../../wire/event.ts";
import type { TurnEnd } from "../../wire/turn-ends.ts";

/**
 * The agent CLI as the harness uses it. It does one thing at a time: the caller waits for the end of a prompt or a
 * compaction before it starts the next one. No method throws because of the CLI, the API or the session: ends are data.
 */
export interface AgentCli {
  /**
   * Starts the process for the next prompt and waits until it is ready. Sends no request to a model. Returns the tool
   * servers that have not connected, or the reason why the CLI cannot run. Replaces a lost session once.
   */
  start(): Promise<Started>;
  /**
   * Runs one prompt to its end, as text that is never interpreted as a command, with pictures after it. Continues the
   * session.
   */
  prompt(text: string, pictures?: readonly Picture[]): Promise<PromptEnd>;
  /** Compacts the session. Ends `ok` also when there is nothing to compact. */
  compact(): Promise<PromptEnd>;
  /**
   * Interrupts the running prompt, which then ends as `interrupted`. Leaves no process of the prompt behind. The events
   * contain `why` in place of the CLI's message to the model.
   */
  cancel(why: string): Promise<void>;
  /** Sets the model of the next prompt, also in a running process. */
  setModel(model: string): Promise<void>;
  /** Makes the next prompt begin a new session. Call it between turns. */
  newSession(): Promise<void>;
  /** Ends the process and all its children. Keeps the session. */
  end(): Promise<void>;
}

/** A started process with the tool servers that did not connect and their reasons, or the reason why the start failed. */
export type Started = { servers: Record<string, string> } | { kind: TurnEnd; reason: string };

/** Usage of a prompt as the CLI reports it. The daemon replaces it with its own metering. */
export interface Figures {
  tokens: TokenCounts;
  cost_usd?: number;
  context_tokens?: number;
  context_window?: number;
}

export const NO_FIGURES: Figures = { tokens: { input: 0, output: 0, cache_read: 0, cache_write: 0 } };

/** The end of one prompt. */
export interface PromptEnd {
  kind: TurnEnd;
  reason: string;
  /** When a rate limit ends, if the API said so. RFC 3339. */
  resumesAt?: string;
  figures: Figures;
}

/** Receives what the CLI reports while it runs. */
export interface CliSink {
  emit(event: TurnEvent): void;
  delta(delta: LiveDelta): void;
  /** The CLI's own session id, each time the CLI reports it. */
  session(id: string): void;
  compacting(now: boolean): void;
}
