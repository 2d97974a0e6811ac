import { HiveError } from "../wire/error.ts";
import type { SpooledEvent } from "../wire/event.ts";
import type { Agent } from "./agent.ts";

/**
 * Numbers the turns. A harness counts from the number that it gets with its `hello`, and its turns are stored in that
 * order. If a harness chose its own number, the next harness would have to continue from it.
 */
export class TurnNumbers {
  readonly #next: (agentId: string) => number;
  /** The newest turn of each agent that is stored, or that was taken since its harness said hello. */
  readonly #newest = new WeakMap<Agent, number>();

  /** `next` is the number after the agent's newest stored turn. */
  constructor(next: (agentId: string) => number) {
    this.#next = next;
  }

  /**
   * The number of the next turn, for a harness that says hello. Turns that it has not published yet are published
   * again.
   */
  given(agent: Agent): number {
    const next = this.#next(agent.id);
    this.#newest.set(agent, next - 1);
    return next;
  }

  /** Takes the turns of events, all or none. Throws `bad_request` for a number that the daemon did not assign. */
  take(agent: Agent, events: readonly SpooledEvent[]): void {
    let newest = this.#newestOf(agent);
    for (const { event } of events) {
      if (event.type === "turn_start") newest = follow(newest, event.turn);
      // The end of an earlier turn may come late, after the daemon has ended that turn.
      if (event.type === "turn_end" && event.turn > newest) newest = follow(newest, event.turn);
    }
    this.#newest.set(agent, newest);
  }

  /** Takes the turn that a harness ends. Throws `bad_request` for a number that the daemon did not assign. */
  takeEnd(agent: Agent, turn: number): void {
    this.#newest.set(agent, follow(this.#newestOf(agent), turn));
  }

  #newestOf(agent: Agent): number {
    return this.#newest.get(agent) ?? this.#next(agent.id) - 1;
  }
}

/** Returns `turn` if it is the newest turn or the next one. Throws `bad_request` otherwise. */
function follow(newest: number, turn: number): number {
  if (turn === newest || turn === newest + 1) return turn;
  throw new HiveError("bad_request", `turn ${turn} was not assigned by the daemon: the next one is ${newest + 1}`);
}
