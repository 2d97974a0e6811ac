import type { TurnEvent } from "../wire/event.ts";
import { turnResultOf, type TurnOutcome } from "../wire/harness.ts";
import type { LeasedMessage } from "../wire/message.ts";
import type { Output } from "../wire/operations.ts";
import type { Figures, PromptEnd } from "./cli/port.ts";
import { TURN_ENDS, turnEndRule, type TurnEnd, type TurnEndRule } from "../wire/turn-ends.ts";
import { wakePrompt } from "./prompt.ts";
import { CANCELLED, INTERRUPTED } from "./stop-words.ts";

/** The dependencies of the loop. Tests replace each function. */
export interface LoopDeps {
  /** Leases the next message, and waits for one if necessary. Or returns that this process may end. */
  next(): Promise<Output<"next">>;
  /** Reports the end of the turn to the daemon. Retries as long as there may be a daemon. */
  finish(turn: number, outcome: TurnOutcome): Promise<void>;
  emit(event: TurnEvent): void;
  /** Resolves when every event so far is stored. */
  flushed(): Promise<void>;
  /** Runs one prompt to its end, with what the message has besides its text. Never throws: an end is data. */
  prompt(text: string, message: LeasedMessage): Promise<PromptEnd>;
  /** Compacts the session. */
  compact(): Promise<PromptEnd>;
  /** Makes the next prompt begin a new session. */
  newSession(): Promise<void>;
  /** Milliseconds of a monotonic clock. */
  now(): number;
}

/** The running turn. */
export interface Turn {
  number: number;
  message: LeasedMessage;
}

/**
 * Runs turn after turn: lease, prompt, events, end. Stores a turn's events before its message is acknowledged, so that
 * a finished turn can be read. Returns when the daemon says sleep, or between turns once `leaving` is true.
 */
export class TurnLoop {
  readonly #deps: LoopDeps;
  #nextTurn = 1;
  #current: Turn | undefined;
  /** Set by the first cancel of the running turn. It is the turn's outcome, unless the turn ends well. */
  #cancelled: Extract<TurnOutcome, { kind: "cancelled" }> | undefined;
  leaving = false;
  /** Set when the session was replaced between turns. The next prompt says so. */
  sessionReplaced = false;

  constructor(deps: LoopDeps) {
    this.#deps = deps;
  }

  get current(): Turn | undefined {
    return this.#current;
  }

  /** Sets the daemon's number for the next turn. A running turn keeps its own, which the daemon may not know yet. */
  setNextTurn(turn: number): void {
    this.#nextTurn = this.#current ? Math.max(this.#nextTurn, turn) : turn;
  }

  /** Marks the running turn as cancelled by the operator. Returns false if no turn runs. */
  cancel(options: { return: boolean }): boolean {
    if (!this.#current) return false;
    this.#cancelled ??= { kind: "cancelled", return: options.return };
    return true;
  }

  /** Marks the running turn, if any, as interrupted: its message returns to the queue. */
  interrupt(): void {
    if (this.#current) this.#cancelled ??= { kind: "cancelled", return: true, by: "hive" };
  }

  async run(): Promise<void> {
    while (!this.leaving) {
      const work = await this.#deps.next();
      if (work.sleep === true) return;
      if (work.message) await this.#turn(work.message, work);
    }
  }

  async #turn(message: LeasedMessage, { unread, news }: Pick<Output<"next">, "unread" | "news">): Promise<void> {
    const { emit, now } = this.#deps;
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
    const end = await this.#attempts(message, unread, news);
    const outcome = this.#outcome(end);
    emit({
      type: "turn_end",
      turn,
      ok: outcome.kind === "ok",
      result: turnResultOf(outcome),
      reason: reasonOf(outcome),
      duration_ms: now() - startedAt,
      ...end.figures,
    });
    await this.#deps.flushed();
    await this.#deps.finish(turn, outcome);
    this.#current = undefined;
  }

  /** Runs the prompt. If the table of ends names a recovery, tries it once and then runs the prompt again. */
  async #attempts(message: LeasedMessage, unread: number, news: readonly string[] | undefined): Promise<PromptEnd> {
    const tried = new Set<Recovery>();
    let again = message;
    const newSession = this.sessionReplaced;
    this.sessionReplaced = false;
    let end = await this.#deps.prompt(wakePrompt(message, unread, { newSession, news }), message);
    for (;;) {
      let recovery = turnEndRule(end.kind).recovery;
      if (recovery === undefined || tried.has(recovery) || this.#cancelled) return end;
      tried.add(recovery);
      this.#note(NOTES[end.kind as Recoverable](end.reason));
      if (recovery === "compact") {
        const compacted = await this.#deps.compact();
        if (compacted.kind !== "ok") {
          const reason = `${end.reason}; compacting failed too: ${compacted.reason}`;
          const { fault } = TURN_ENDS[compacted.kind];
          if ((fault !== "message" && fault !== "session") || tried.has("new_session"))
            return { ...compacted, reason, figures: end.figures };
          // A session that cannot be compacted cannot continue.
          recovery = "new_session";
          tried.add(recovery);
          this.#note(`the session cannot be compacted (${compacted.reason}): a new one takes its place`);
        }
      }
      if (recovery === "new_session") {
        await this.#deps.newSession();
        // The model may have begun on the message: a compacted session remembers that, a new one does not.
        if (end.kind !== "session_lost") again = { ...message, redelivered: true };
      }
      const text = wakePrompt(again, unread, { newSession: tried.has("new_session"), news });
      const next = await this.#deps.prompt(text, again);
      end = { ...next, figures: addFigures(end.figures, next.figures) };
    }
  }

  #note(text: string): void {
    this.#deps.emit({ type: "note", level: "warn", text });
  }

  #outcome(end: PromptEnd): TurnOutcome {
    if (this.#cancelled && end.kind !== "ok") return this.#cancelled;
    const { kind, reason } = end;
    switch (kind) {
      case "ok":
        return { kind: "ok" };
      case "cancelled":
        return { kind: "cancelled", return: false };
      case "interrupted":
        return { kind: "cancelled", return: true, by: "hive" };
      case "failed":
      case "crashed":
      case "prompt_too_long":
        return { kind: "failed", why: kind, reason };
      default:
        return { kind: "parked", why: kind, reason, ...(end.resumesAt ? { resumes_at: end.resumesAt } : {}) };
    }
  }
}

type Recovery = NonNullable<TurnEndRule["recovery"]>;
type Recoverable = { [End in TurnEnd]: (typeof TURN_ENDS)[End] extends { recovery: Recovery } ? End : never }[TurnEnd];

/** The note for the page before a recovery. */
const NOTES: Record<Recoverable, (reason: string) => string> = {
  prompt_too_long: () => "the prompt is too long: the session is compacted, then the prompt is tried once more",
  session_lost: (reason) => `the session cannot be resumed (${reason}): a new one takes its place`,
  session_refused: (reason) => `the API refuses the session's history (${reason}): a new session takes its place`,
};

function reasonOf(outcome: TurnOutcome): string {
  if (outcome.kind === "ok") return "completed";
  if (outcome.kind === "cancelled")
    return `${outcome.by === "hive" ? INTERRUPTED : CANCELLED}, the message ${outcome.return ? "goes back" : "is dropped"}`;
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
