import type { Store } from "../store/store.ts";
import type { SessionStore } from "./sessions.ts";

/** Browser sessions in the hive's store. */
export function sessionStore(store: Store, onUnexpected: (error: unknown) => void, now: () => number): SessionStore {
  return {
    async add(session) {
      const id = await store.write(() => store.sessions.add(session.hash, session.createdAt, session.userAgent));
      return { ...session, id };
    },
    live: () =>
      store.sessions.live().map((row) => ({
        id: row.id,
        hash: row.hash,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        userAgent: row.user_agent,
      })),
    seen: (id, at) => void store.write(() => store.sessions.seen(id, at)).catch(onUnexpected),
    revoke: (id) => store.write(() => store.sessions.revoke(id, now())),
  };
}
