import type { Store } from "../store/store.ts";
import { operatorActor } from "../wire/roles.ts";
import { checkOperator } from "./operator.ts";
import type { SessionStore } from "./sessions.ts";

/** Browser sessions in the hive's store. */
export function sessionStore(store: Store, onUnexpected: (error: unknown) => void, now: () => number): SessionStore {
  const audit = (kind: string, actor: string, detail: object): void =>
    store.ledger.audit(store.nextSeq(), { at: now(), actor, kind, detail });
  return {
    async add(session) {
      const { hash, createdAt, userAgent, operator } = session;
      const id = await store.write(() => {
        checkOperator(store, operator);
        const added = store.sessions.add(hash, createdAt, userAgent, operator);
        audit("session_started", operatorActor(operator), { session: added });
        return added;
      });
      return { ...session, id };
    },
    live: () =>
      store.sessions.live().map((row) => ({
        id: row.id,
        hash: row.hash,
        createdAt: row.created_at,
        lastSeenAt: row.last_seen_at,
        userAgent: row.user_agent,
        operator: row.operator,
      })),
    seen: (id, at) => void store.write(() => store.sessions.seen(id, at)).catch(onUnexpected),
    revoke: (id, by) =>
      store.write(() => {
        store.sessions.revoke(id, now());
        audit("session_ended", by, { session: id });
      }),
  };
}
