import type { Sqlite } from "./database.ts";
import { LISTED, listed, type ListedMessage, type ListedRow, type MessageRow } from "./messages.ts";

/** Above every id. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/**
 * The words of a search as an FTS5 query: each is a quoted prefix, and all are required. Anything else (operators,
 * quotes, signs) separates words. Undefined if no word remains.
 */
export function ftsQuery(words: string): string | undefined {
  const tokens = words.normalize("NFC").match(/[\p{L}\p{N}\p{M}_]+/gu);
  return tokens ? tokens.map((token) => `"${token}"*`).join(" ") : undefined;
}

/**
 * The indexes that are filled after messages commit: the full-text index over bodies, and the parties of each message.
 * The meta value `search_up_to` is the id up to which they are filled.
 */
export function searchQueries(db: Sqlite) {
  const fresh = db.prepare<[number, number], Pick<MessageRow, "id" | "sender" | "recipient" | "body">>(
    "SELECT id, sender, recipient, body FROM messages WHERE id > ? ORDER BY id LIMIT ?",
  );
  // A sender that writes to itself is one party.
  const addParty = db.prepare<[string, number]>("INSERT OR IGNORE INTO message_parties (who, id) VALUES (?, ?)");
  const add = db.prepare<[number, string]>("INSERT INTO message_words (rowid, body) VALUES (?, ?)");
  const find = db.prepare<{ query: string; before: number; limit: number }, ListedRow>(
    `SELECT ${LISTED} FROM message_words JOIN messages ON messages.id = message_words.rowid
     WHERE message_words MATCH @query AND message_words.rowid < @before ORDER BY message_words.rowid DESC LIMIT @limit`,
  );
  const findOf = db.prepare<{ query: string; before: number; limit: number; who: string }, ListedRow>(
    `SELECT ${LISTED} FROM message_words JOIN messages ON messages.id = message_words.rowid
     WHERE message_words MATCH @query AND message_words.rowid < @before AND (sender = @who OR recipient = @who)
     ORDER BY message_words.rowid DESC LIMIT @limit`,
  );
  return {
    /** Indexes at most `limit` messages after an id; only inside a write. Returns the last id and the count. */
    takeIn(after: number, limit: number): { upTo: number; count: number } {
      const rows = fresh.all(after, limit);
      for (const row of rows) {
        if (row.body !== null) add.run(row.id, row.body);
        addParty.run(row.sender, row.id);
        addParty.run(row.recipient, row.id);
      }
      return { upTo: rows.at(-1)?.id ?? after, count: rows.length };
    },
    /** Newest first. */
    find: (query: string, limit: number, before: number = NEWEST, who?: string): ListedMessage[] =>
      (who === undefined ? find.all({ query, before, limit }) : findOf.all({ query, before, limit, who })).map(listed),
  };
}
