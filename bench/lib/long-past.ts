import { join } from "node:path";
import { openStore } from "../../src/store/store.ts";
import type { TestHive } from "../../test/lib/hive.ts";

/** Rows that one write stores. */
const BATCH = 10_000;

/** Puts a long past into the database of a hive that does not run: messages between its agents, and events of one. */
export async function addPast(
  hive: TestHive,
  past: { agents: readonly { id: string; name: string }[]; messages: number; events: number; of: string },
): Promise<void> {
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
        store.messages.insert({
          id,
          seq: id,
          sender: past.agents[nth % count]?.id ?? "",
          label: null,
          recipient: nth % 20 === 0 ? "operator" : (past.agents[(nth * 7 + 1) % count]?.id ?? ""),
          client_id: null,
          in_reply_to: nth % 3 === 0 ? id - 1 : null,
          chain: id,
          hops: 0,
          state: "done",
          instance: null,
          token: null,
          redelivered: 0,
          failures: 0,
          reason: null,
          created_at: Date.now() - (past.messages - nth) * 1000,
          updated_at: Date.now() - (past.messages - nth) * 1000,
          body: `message ${nth}: ${"word ".repeat(5 + (nth % 40))}`,
        });
      }
    });
  }
  const { id, name } = past.agents.find((one) => one.name === past.of) ?? { id: "", name: "" };
  for (let done = 0; done < past.events; done += BATCH) {
    await store.write(() => {
      const at = new Date().toISOString();
      const events = Array.from({ length: Math.min(BATCH, past.events - done) }, (_, nth) => ({
        n: done + nth + 1,
        at,
        event: { type: "text" as const, text: `line ${done + nth}: ${"word ".repeat(5 + (nth % 40))}` },
      }));
      store.turns.append(id, name, "past", events, store.nextSeq);
    });
  }
  store.close();
}
