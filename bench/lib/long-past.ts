import { join } from "node:path";
import { newMessage } from "../../src/store/messages.ts";
import { openStore } from "../../src/store/store.ts";
import { OPERATOR } from "../../src/wire/names.ts";
import type { TestHive } from "../../test/lib/hive.ts";

/** Rows per write. */
const BATCH = 10_000;
/** How many of the newest messages the operator has not read. */
const UNREAD = 200;
/** Where the daemon stores the positions of the search and of the operator. */
const SEARCHED = "search_up_to";
const READ = "operator_read_up_to";

export interface Past {
  agents: readonly { id: string; name: string }[];
  messages: number;
  /** Turn events of one agent. */
  events?: { of: string; count: number };
}

/**
 * Fills the database of a stopped hive as if it had been used for months: messages that were delivered long ago, nearly
 * all read, and already in the search index (a daemon that still fills the index is not at rest).
 */
export async function addPast(hive: TestHive, past: Past): Promise<void> {
  const store = openStore({
    file: join(hive.stateDir, "hive.db"),
    onFatal(error) {
      throw error;
    },
  });
  const count = past.agents.length;
  for (let done = 0; done < past.messages; done += BATCH) {
    await store.write(() => {
      for (let nth = done; nth < Math.min(past.messages, done + BATCH); nth++) {
        const id = store.nextSeq();
        const message = newMessage(id, Date.now() - (past.messages - nth) * 1000, {
          sender: past.agents[nth % count]?.id ?? "",
          recipient: nth % 20 === 0 ? OPERATOR : (past.agents[(nth * 7 + 1) % count]?.id ?? ""),
          in_reply_to: nth % 3 === 0 ? id - 1 : null,
          state: "done",
          body: `message ${nth}: ${"word ".repeat(5 + (nth % 40))}`,
        });
        store.messages.insert(message);
      }
      const { upTo } = store.search.takeIn(Number(store.meta.get(SEARCHED) ?? 0), BATCH * 2);
      store.meta.set(SEARCHED, String(upTo));
      store.meta.set(READ, String(upTo - UNREAD));
    });
  }
  const { of, count: events } = past.events ?? { of: "", count: 0 };
  const { id, name } = past.agents.find((one) => one.name === of) ?? { id: "", name: "" };
  for (let done = 0; done < events; done += BATCH) {
    await store.write(() => {
      const at = new Date().toISOString();
      const batch = Array.from({ length: Math.min(BATCH, events - done) }, (_, nth) => ({
        n: done + nth + 1,
        at,
        event: { type: "text" as const, text: `line ${done + nth}: ${"word ".repeat(5 + (nth % 40))}` },
      }));
      store.turns.append(id, name, "past", batch, store.nextSeq);
    });
  }
  store.close();
}
