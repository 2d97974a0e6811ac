import type { Sqlite } from "./database.ts";
import type { MessageInserts } from "./message-inserts.ts";

/** The ways in which a statement reads or changes rows. */
const RUNS = ["run", "get", "all", "iterate"] as const;
const MENTIONS_MESSAGES = /\bmessages\b/i;

/**
 * The database as queries get it: a statement that names the table `messages` inserts the deferred messages of its group
 * first, so that every query sees them and none can forget it.
 */
export function gate(db: Sqlite, inserts: Pick<MessageInserts, "flush">): Sqlite {
  const prepare = (sql: string): object => {
    const statement = db.prepare(sql);
    if (!MENTIONS_MESSAGES.test(sql)) return statement;
    for (const name of RUNS) {
      const run = statement[name] as (...values: unknown[]) => unknown;
      Object.defineProperty(statement, name, {
        value: (...values: unknown[]) => {
          inserts.flush();
          return Reflect.apply(run, statement, values);
        },
      });
    }
    return statement;
  };
  return new Proxy(db, { get: (target, name) => (name === "prepare" ? prepare : Reflect.get(target, name, target)) });
}
