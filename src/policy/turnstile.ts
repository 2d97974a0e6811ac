import { HiveError } from "../wire/error.ts";
import type { Budgets } from "./budgets.ts";
import type { SharedLimit } from "./shared-limit.ts";

/**
 * Lets requests to the model pass: not those that a limit of the API would refuse, and the others under the budgets. Those of an agent with a limit pass one after the other, so a limit
 * is passed by one request of each agent at most. Without a limit nothing waits.
 */
export class Turnstile {
  readonly #budgets: Pick<Budgets, "isLimited" | "checkRequest">;
  readonly #sharedLimit: Pick<SharedLimit, "check">;
  /** By agent: resolves when its newest request has ended. */
  readonly #last = new Map<string, Promise<void>>();

  constructor(budgets: Pick<Budgets, "isLimited" | "checkRequest">, sharedLimit: Pick<SharedLimit, "check">) {
    this.#budgets = budgets;
    this.#sharedLimit = sharedLimit;
  }

  /**
   * Resolves when a request may be sent. The caller calls the result once, after the request's usage has been counted.
   * Rejects with the reason if it may not be sent, and with that of `gone` if the agent has given the request up.
   */
  async enter(agentId: string, model: string, gone: AbortSignal): Promise<() => void> {
    this.#sharedLimit.check(agentId);
    if (!this.#budgets.isLimited(agentId)) return () => {};
    const before = this.#last.get(agentId);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    // One that waited may be given up before the one before it has ended.
    const last = before ? before.then(() => ended) : ended;
    this.#last.set(agentId, last);
    const forget = (): void => {
      if (this.#last.get(agentId) === last) this.#last.delete(agentId);
    };
    if (before) void last.then(forget);
    const leave = (): void => {
      if (!before) forget();
      resolve();
    };
    try {
      if (before) await untilOrGone(before, gone);
      if (gone.aborted) throw new HiveError("unavailable", "the request was given up");
      this.#budgets.checkRequest(agentId, model);
    } catch (error) {
      leave();
      throw error;
    }
    return leave;
  }
}

function untilOrGone(done: Promise<void>, gone: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      gone.removeEventListener("abort", finish);
      resolve();
    };
    gone.addEventListener("abort", finish);
    if (gone.aborted) finish();
    else void done.then(finish);
  });
}
