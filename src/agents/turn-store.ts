import type { Feed } from "../eventlog/feed.ts";
import type { Store } from "../store/store.ts";
import type { NumberedEvent, StoredTurnEvent } from "../wire/event.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import type { TurnStore } from "./turns.ts";

/**
 * Stores turns in the hive's store. Publishes to the feed after the commit. `retention.addedEvents` resolves when the
 * events may be added.
 */
export function turnStore(
  store: Store,
  feed: Pick<Feed, "publish">,
  retention: { addedEvents(agent: string, events: readonly NumberedEvent[]): Promise<void> },
): TurnStore {
  const publish = (stored: StoredTurnEvent[]): void => {
    for (const turn of stored) feed.publish({ kind: "turn", seq: turn.seq, turn });
  };
  return {
    async append(agent, instance, events) {
      await retention.addedEvents(agent.id, events);
      return store.write((tx) => {
        const result = store.turns.append(agent.id, agent.name, instance, events, store.nextSeq);
        tx.afterCommit(() => publish(result.stored));
        return result;
      });
    },
    end: ({ id, name }, at, ends) =>
      store.write((tx) => {
        const stored = ends.map((event) => store.turns.note(id, name, store.nextSeq(), at, event));
        tx.afterCommit(() => publish(stored));
      }),
    page: (id, name, query) =>
      store.turns.page(id, name, query.before ?? Number.MAX_SAFE_INTEGER, { limit: query.limit, bytes: MAX_LISTING_BYTES }),
    open: store.turns.open,
    confirmedN: store.turns.confirmedN,
    nextTurn: store.turns.nextTurn,
    lastTurn: store.turns.lastTurn,
  };
}
