import { lock } from "./lock.ts";
import type { Step, WithAgent, WithLock } from "./step.ts";

/** Tries of publishing against other deploys. Each loses to one that lands, so this many others would have to. */
const MAX_RACES = 1_000;

/**
 * Moves the ledger. This is the point of no return: before it everything is undone on a failure, after it everything is
 * carried to its end, by this daemon or the next. The loser of a race locks anew on what the winner published.
 */
export const publishStep: Step<WithAgent & WithLock> = {
  name: "publish",
  state: "activating",
  async do(deploy) {
    const { context, requestStore, id, entry } = deploy;
    let { candidate, head } = deploy;
    for (let race = 0; race < MAX_RACES; race++) {
      const { ok } = await context.repos.meta.publish(candidate, head);
      if (ok) return {};
      ({ candidate, head } = await lock(deploy, entry));
      const locked = { candidate };
      // Noted before it is published: recovery tells by it whether the ledger holds this deploy.
      deploy.row = await context.store.write((tx) => requestStore.note(tx, id, locked));
    }
    throw new Error("the deploy ledger moved on with every try");
  },
};
