import { lock } from "./lock.ts";
import type { Step, WithAgent, WithLock } from "./step.ts";

/**
 * The maximum attempts to publish. Each is lost to another deploy that publishes, so this many others would have to
 * win.
 */
const MAX_RACES = 1_000;

/**
 * Moves the ledger. This is the point of no return. Before it, a failure undoes everything. After it, this daemon or
 * the next finishes the deploy. The loser of a race locks again on top of what the winner published.
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
      // Stored before it is published, because recovery uses it to check whether the ledger contains this deploy.
      deploy.row = await context.store.write((tx) => requestStore.note(tx, id, locked));
    }
    throw new Error("another deploy moved the ledger at every attempt");
  },
};
