import { HiveError } from "../wire/error.ts";
import type { SpooledEvent } from "../wire/event.ts";
import type { Agent } from "./agent.ts";

/**
 * The numbers of turns: the daemon's. A harness counts on from the number that it gets with its `hello`, and its turns
 * are stored in that order. A number of its own would be where the next harness has to count on from.
 */
export class TurnNumbers {
  readonly #next: (agentId: string) => number;
  /** The newest turn of each agent: stored, or taken since its harness said hello. */
  readonly #newest = new WeakMap<Agent, number>();

  /** `next` is the number after the agent's newest stored turn. */
  constructor(next: (agentId: string) => number) {
    this.#next = next;
  }

  /** The number of the next turn, for a harness that says hello. Turns that it has not published yet come again. */
  given(agent: Agent): number {
    const next = this.#next(agent.id);
    this.#newest.set(agent, next - 1);
    return next;
  }

  /** Takes the turns of events, all or none. Throws `bad_request` for a number that the daemon has not given. */
  take(agent: Agent, events: readonly SpooledEvent[]): void {
    let newest = this.#newestOf(agent);
    for (const { event } of events) {
      if (event.type === "turn_start") newest = follow(newest, event.turn);
      // The end of an earlier turn may be late: the daemon has ended it meanwhile.
      if (event.type === "turn_end" && event.turn > newest) newest = follow(newest, event.turn);
    }
    this.#newest.set(agent, newest);
  }

  /** Takes the turn that a harness ends. Throws `bad_request` for a number that the daemon has not given. */
  takeEnd(agent: Agent, turn: number): void {
    this.#newest.set(agent, follow(this.#newestOf(agent), turn));
  }

  #newestOf(agent: Agent): number {
    return this.#newest.get(agent) ?? this.#next(agent.id) - 1;
  }
}

/** The newest turn is `turn`: the same one, or the next. */
function follow(newest: number, turn: number): number {
  if (turn === newest || turn === newest + 1) return turn;
  throw new HiveError("bad_request", `turn ${turn} is not the daemon's: the next one is ${newest + 1}`);
}
