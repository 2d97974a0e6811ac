import type { TurnEvent } from "../wire/event.ts";
import type { TurnOutcome } from "../wire/harness.ts";
import type { LeasedMessage } from "../wire/message.ts";
import type { Output } from "../wire/operations.ts";
import type { Figures, PromptEnd } from "./claude/outcome.ts";
import { wakePrompt } from "./prompt.ts";

/** What the loop is made of. Each function is the whole of its contract, so that tests put their own in. */
export interface LoopParts {
  /** Leases the next message, waiting for it; or says that this process may end. */
  next(): Promise<Output<"next">>;
  /** Tells the daemon how the turn ended. Does not give up while there may be a daemon. */
  finish(turn: number, outcome: TurnOutcome): Promise<void>;
  emit(event: TurnEvent): void;
  /** Resolves when every event so far is stored. */
  flushed(): Promise<void>;
  /** Runs one prompt to its end. Never throws: an end is data. */
  prompt(text: string): Promise<PromptEnd>;
  /** Shortens the session. */
  compact(): Promise<PromptEnd>;
  /** Milliseconds of a clock that never jumps. */
  now(): number;
}

/** The turn that runs. */
export interface Turn {
  number: number;
  message: LeasedMessage;
}

/**
 * Turn after turn: lease, prompt, events, end. A turn's events are stored before its message is acknowledged, so what
 * is seen as done can be read. Returns when the daemon says sleep or `leaving` turns true between turns.
 */
export class TurnLoop {
  readonly #parts: LoopParts;
  #nextTurn = 1;
  #current: Turn | undefined;
  /** Set by the operator's cancel, for the turn that runs. */
  #cancelled: { return: boolean } | undefined;
  leaving = false;

  constructor(parts: LoopParts) {
    this.#parts = parts;
  }

  get current(): Turn | undefined {
    return this.#current;
  }

  /** The daemon's word on which turn comes next; never goes back while this process lives. */
  setNextTurn(turn: number): void {
    this.#nextTurn = Math.max(this.#nextTurn, turn);
  }

  /** Marks the running turn as cancelled. False when none runs. */
  cancel(options: { return: boolean }): boolean {
    if (!this.#current) return false;
    this.#cancelled = options;
    return true;
  }

  async run(): Promise<void> {
    while (!this.leaving) {
      const work = await this.#parts.next();
      if (work.sleep === true) return;
      if (work.message) await this.#turn(work.message, work.unread);
    }
  }

  async #turn(message: LeasedMessage, unread: number): Promise<void> {
    const { emit, now } = this.#parts;
    const turn = this.#nextTurn++;
    this.#current = { number: turn, message };
    this.#cancelled = undefined;
    const startedAt = now();
    emit({
      type: "turn_start",
      turn,
      message_id: message.id,
      from: message.from,
      body: message.body,
      unread,
      redelivered: message.redelivered,
    });
    const end = await this.#promptWithRoom(wakePrompt(message, unread));
    const outcome = this.#outcome(end);
    emit({
      type: "turn_end",
      turn,
      ok: outcome.kind === "ok",
      reason: reasonOf(outcome),
      duration_ms: now() - startedAt,
      ...end.figures,
    });
    await this.#parts.flushed();
    await this.#parts.finish(turn, outcome);
    this.#current = undefined;
  }

  /** A prompt that is too long for the session gets room by compacting it, once. */
  async #promptWithRoom(text: string): Promise<PromptEnd> {
    const first = await this.#parts.prompt(text);
    if (first.kind !== "prompt_too_long" || this.#cancelled) return first;
    this.#parts.emit({
      type: "note",
      level: "warn",
      text: "the prompt is too long: compacting the session, then trying once more",
    });
    const compacted = await this.#parts.compact();
    if (compacted.kind !== "ok") return { ...first, reason: `${first.reason}; compacting failed too: ${compacted.reason}` };
    const second = await this.#parts.prompt(text);
    return { ...second, figures: addFigures(first.figures, second.figures) };
  }

  #outcome(end: PromptEnd): TurnOutcome {
    if (this.#cancelled && end.kind !== "ok") return { kind: "cancelled", return: this.#cancelled.return };
    switch (end.kind) {
      case "ok":
        return { kind: "ok" };
      case "rate_limited":
      case "needs_login":
      case "upstream":
        return { kind: "parked", why: end.kind, reason: end.reason, ...(end.resumesAt ? { resumes_at: end.resumesAt } : {}) };
      case "cancelled":
        return { kind: "cancelled", return: true };
      case "prompt_too_long":
      case "failed":
      case "crashed":
        return { kind: "failed", reason: end.reason };
    }
  }
}

function reasonOf(outcome: TurnOutcome): string {
  if (outcome.kind === "ok") return "completed";
  if (outcome.kind === "cancelled") return outcome.return ? "cancelled, the message goes back" : "cancelled";
  return outcome.reason;
}

function addFigures(a: Figures, b: Figures): Figures {
  const tokens = {
    input: a.tokens.input + b.tokens.input,
    output: a.tokens.output + b.tokens.output,
    cache_read: a.tokens.cache_read + b.tokens.cache_read,
    cache_write: a.tokens.cache_write + b.tokens.cache_write,
  };
  return { ...a, ...b, tokens };
}
