import { MAX_PREVIEW_BYTES } from "../wire/limits.ts";
import type { MessageState } from "../wire/message.ts";
import { TEXT } from "./bound.ts";
import type { Sqlite } from "./database.ts";
import type { MessageInserts } from "./message-inserts.ts";
import { rowsWithin } from "./rows-within.ts";

/** A stored message. `sender` and `recipient` are agent ids, `operator` or `system`. */
export interface MessageRow {
  id: number;
  seq: number;
  sender: string;
  label: string | null;
  recipient: string;
  client_id: string | null;
  in_reply_to: number | null;
  chain: number;
  hops: number;
  state: MessageState;
  instance: string | null;
  token: string | null;
  redelivered: number;
  failures: number;
  reason: string | null;
  created_at: number;
  updated_at: number;
  body: string | null;
  /** The key that a newer notice of the daemon must share with this one to replace it; null for other messages. */
  notice: string | null;
}

/** A message in a listing: of a long body only the beginning, and the bytes of the whole. */
export type ListedMessage = Omit<MessageRow, "body"> & { body: string | null; body_bytes: number | null };

/** A listed message as SQLite returns it: the beginning of a long body is bytes, which may end within a character. */
export type ListedRow = Omit<MessageRow, "body"> & { body: string | Buffer | null; body_bytes: number | null };

/** Bytes that are read of a long body: a preview, and room for a character that is cut. */
const READ_BYTES = MAX_PREVIEW_BYTES + 4;
/**
 * The columns of a listed message. A long body is cut as bytes: as text SQLite would end it at a NUL. Listings of long
 * bodies would otherwise hold hundreds of megabytes.
 */
export const LISTED = `${Object.keys(newMessage(0, 0, { sender: "", recipient: "", body: null }))
  .filter((name) => name !== "body")
  .map((name) => `messages.${name}`)
  .join(", ")}, octet_length(messages.body) AS body_bytes,
  CASE WHEN octet_length(messages.body) > ${READ_BYTES} THEN substr(CAST(messages.body AS BLOB), 1, ${READ_BYTES})
    ELSE messages.body END AS body`;

/** Turns the rows of `LISTED` into messages. */
export const listed = (row: ListedRow): ListedMessage =>
  Buffer.isBuffer(row.body) ? { ...row, body: row.body.toString("utf8") } : (row as ListedMessage);

/** A message in its initial state: queued, at the start of a chain. `at` in milliseconds. */
export function newMessage(
  id: number,
  at: number,
  row: Pick<MessageRow, "sender" | "recipient" | "body"> & Partial<MessageRow>,
): MessageRow {
  // Field by field: spreading objects was a fortieth of the cost of a send.
  return {
    id,
    seq: row.seq ?? id,
    sender: row.sender,
    label: row.label ?? null,
    recipient: row.recipient,
    client_id: row.client_id ?? null,
    in_reply_to: row.in_reply_to ?? null,
    chain: row.chain ?? id,
    hops: row.hops ?? 0,
    state: row.state ?? "queued",
    instance: row.instance ?? null,
    token: row.token ?? null,
    redelivered: row.redelivered ?? 0,
    failures: row.failures ?? 0,
    reason: row.reason ?? null,
    created_at: row.created_at ?? at,
    updated_at: row.updated_at ?? at,
    body: row.body,
    notice: row.notice ?? null,
  };
}

/** A change of a message's state. Absent fields keep their values. */
export interface MessageChange {
  state: MessageState;
  instance: string | null;
  token: string | null;
  redelivered: number;
  failures: number;
  hops: number;
  reason: string | null;
}

interface OfQuery {
  who: string;
  after: number;
  before: number;
  limit: number;
}

/**
 * A principal's messages, newest first: from `message_parties` as far as it is filled, and from a scan of the few later
 * messages.
 */
function ofWhom(which: string): string {
  const upTo = "coalesce((SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'search_up_to'), 0)";
  return `
    SELECT * FROM (SELECT ${LISTED} FROM messages WHERE id > max(@after, ${upTo}) AND id < @before AND (${which})
      ORDER BY id DESC LIMIT @limit)
    UNION ALL SELECT * FROM (SELECT ${LISTED} FROM message_parties AS party CROSS JOIN messages ON messages.id = party.id
      WHERE party.who = @who AND party.id > @after AND party.id < @before AND (${which})
      ORDER BY party.id DESC LIMIT @limit)
    ORDER BY id DESC LIMIT @limit`;
}

/**
 * Queries on messages. Each query on the path of a message is one index look-up. `behindGate` inserts deferred messages
 * before a statement (`gate.ts`). Statements of `db` do not: those that a deferred message cannot match, because it has
 * no lease, hold, client id or key, and those by id, which ask `mayHold`.
 */
export function messageQueries(db: Sqlite, behindGate: Sqlite, inserts: MessageInserts) {
  const update = db.prepare<MessageChange & { id: number; seq: number; updated_at: number }>(
    `UPDATE messages SET seq = @seq, state = @state, instance = @instance, token = @token, redelivered = @redelivered,
       failures = @failures, hops = @hops, reason = @reason, updated_at = @updated_at WHERE id = @id`,
  );
  const byId = db.prepare<[number], MessageRow>("SELECT * FROM messages WHERE id = ?");
  const senders = db.prepare<[], { sender: string; created_at: number }>(
    "SELECT sender, created_at FROM messages ORDER BY id DESC",
  );
  // Without table statistics SQLite may choose an index over all of history, so the queries name the right one.
  const queued = behindGate.prepare<[], { recipient: string; id: number }>(
    "SELECT recipient, id FROM messages INDEXED BY messages_queued WHERE state = 'queued' ORDER BY id",
  );
  const leased = db.prepare<[string], MessageRow>(
    `SELECT * FROM messages INDEXED BY messages_leased WHERE recipient = ${TEXT} AND state = 'leased' ORDER BY id`,
  );
  const allLeased = db.prepare<[], MessageRow>(
    "SELECT * FROM messages INDEXED BY messages_leased WHERE state = 'leased' ORDER BY recipient, id",
  );
  // Without the queued ones, which the broker has in memory.
  const waiting = db.prepare<{ recipient: string }, { id: number }>(
    `SELECT id FROM messages INDEXED BY messages_held_to WHERE state = 'held' AND recipient = @recipient
     UNION ALL SELECT id FROM messages INDEXED BY messages_leased WHERE state = 'leased' AND recipient = @recipient ORDER BY id`,
  );
  const listedById = behindGate.prepare<[number], ListedRow>(`SELECT ${LISTED} FROM messages WHERE id = ?`);
  const byClientId = db.prepare<[string, string], MessageRow>(
    `SELECT * FROM messages WHERE sender = ${TEXT} AND client_id = ${TEXT} ORDER BY id`,
  );
  const queuedNotices = db.prepare<[string, string], MessageRow>(
    "SELECT * FROM messages INDEXED BY messages_notices WHERE state = 'queued' AND recipient = ? AND notice = ?",
  );
  // Two small indexes, whatever the length of the history.
  const stuck = behindGate.prepare<{ before: number; limit: number }, { id: number }>(
    `SELECT id FROM (SELECT id FROM messages INDEXED BY messages_dead WHERE state = 'dead'
     UNION ALL SELECT id FROM messages INDEXED BY messages_held WHERE state = 'held')
     WHERE id < @before ORDER BY id DESC LIMIT @limit`,
  );
  const heldTo = db.prepare<[string], { n: number }>(
    "SELECT count(*) AS n FROM messages INDEXED BY messages_held_to WHERE state = 'held' AND recipient = ?",
  );
  const heldOf = db.prepare<[number], MessageRow>("SELECT * FROM messages WHERE chain = ? AND state = 'held' ORDER BY id");
  const heldIn = db.prepare<[number], { id: number }>(
    "SELECT id FROM messages INDEXED BY messages_held WHERE chain = ? AND state = 'held' LIMIT 1",
  );
  const newest = behindGate.prepare<[number, number], ListedRow>(
    `SELECT ${LISTED} FROM messages WHERE id < ? ORDER BY id DESC LIMIT ?`,
  );
  const newestOf = behindGate.prepare<OfQuery, ListedRow>(ofWhom("sender = @who OR recipient = @who"));
  const sentBetween = behindGate.prepare<OfQuery, ListedRow>(ofWhom("sender = @who"));
  const newestToOperator = behindGate.prepare<[number, number], ListedRow>(
    `SELECT ${LISTED} FROM messages INDEXED BY messages_to_operator WHERE recipient = 'operator' AND id < ?
     ORDER BY id DESC LIMIT ?`,
  );
  const toOperatorAfter = behindGate.prepare<[number], { n: number }>(
    "SELECT count(*) AS n FROM messages INDEXED BY messages_to_operator WHERE recipient = 'operator' AND id > ?",
  );
  // Ids only: the rows of a long gap may have more text than the daemon may hold.
  const changedAfter = behindGate.prepare<{ seq: number; limit: number }, { id: number }>(
    `SELECT * FROM (SELECT id, seq FROM messages WHERE id > @seq AND seq = id ORDER BY id LIMIT @limit)
     UNION ALL SELECT * FROM (SELECT id, seq FROM messages INDEXED BY messages_changed
       WHERE seq > @seq AND seq <> id ORDER BY seq LIMIT @limit)
     ORDER BY seq LIMIT @limit`,
  );
  /** The rows of ids, each read when it is asked for. */
  function* rowsOf(ids: Iterable<{ id: number }>): Iterable<ListedMessage> {
    for (const { id } of ids) {
      const row = listedById.get(id);
      if (row) yield listed(row);
    }
  }
  const newestSeq = behindGate.prepare<[], { n: number }>(
    `SELECT max(coalesce((SELECT max(id) FROM messages), 0),
       coalesce((SELECT max(seq) FROM messages INDEXED BY messages_changed WHERE seq <> id), 0)) AS n`,
  );
  const forget = behindGate.prepare<[number]>(
    `DELETE FROM message_words WHERE rowid IN
       (SELECT id FROM messages WHERE body IS NOT NULL AND state IN ('done', 'dropped') AND updated_at < ?)`,
  );
  const prune = behindGate.prepare<[number]>(
    "UPDATE messages SET body = NULL WHERE body IS NOT NULL AND state IN ('done', 'dropped') AND updated_at < ?",
  );
  return {
    insert: (row: MessageRow): void => inserts.add(row),
    /** Writes a change and returns the new row. */
    change(row: MessageRow, seq: number, now: number, change: Partial<MessageChange>): MessageRow {
      if (inserts.mayHold(row.id)) inserts.flush();
      const next = { ...row, ...change, seq, updated_at: now };
      update.run(next);
      return next;
    },
    byId(id: number): MessageRow | undefined {
      if (inserts.mayHold(id)) inserts.flush();
      return byId.get(id);
    },
    /** Queued messages of all inboxes, oldest first. Read once, when the daemon starts. */
    queued: () => queued.all(),
    leased: (recipient: string) => leased.all(recipient),
    /** Leased messages of all inboxes, oldest first in each inbox. */
    allLeased: () => allLeased.all(),
    /** Ids of the messages of an inbox that are held or leased, oldest first. */
    waiting: (recipient: string): number[] => waiting.all({ recipient }).map(({ id }) => id),
    /** Messages by their ids, as listings have them, each read when it is asked for. */
    listed: (ids: readonly number[]): Iterable<ListedMessage> => rowsOf(ids.map((id) => ({ id }))),
    /** Number of held messages of an inbox. */
    heldCount: (recipient: string): number => heldTo.get(recipient)?.n ?? 0,
    byClientId: (sender: string, clientId: string) => byClientId.all(sender, clientId),
    /** Messages that a sender has sent since a time. Reads every message since then. Only inside a write. */
    sentSince(sender: string, from: number): number {
      inserts.flush();
      let count = 0;
      for (const row of senders.iterate()) {
        if (row.created_at < from) break;
        if (row.sender === sender) count++;
      }
      return count;
    },
    /** The queued notices with a key. A message with a key is never deferred. */
    queuedNotices: (recipient: string, notice: string) => queuedNotices.all(recipient, notice),
    heldOf: (chain: number) => heldOf.all(chain),
    /** True if a message of the chain is held. */
    isHeld: (chain: number): boolean => heldIn.get(chain) !== undefined,
    /** Newest first. */
    newest: (before: number, limit: number) => newest.all(before, limit).map(listed),
    newestOf: (who: string, before: number, limit: number) => newestOf.all({ who, after: 0, before, limit }).map(listed),
    newestToOperator: (before: number, limit: number) => newestToOperator.all(before, limit).map(listed),
    /** What a sender sent after one number and before another, newest first. */
    sentBetween: (who: string, after: number, before: number, limit: number) =>
      sentBetween.all({ who, after, before, limit }).map(listed),
    toOperatorAfter: (id: number) => toOperatorAfter.get(id)?.n ?? 0,
    /** Messages changed after a position, in the order of their changes; undefined if their text is over `chars`. */
    changedAfter: (seq: number, limit: number, chars: number) =>
      rowsWithin(
        rowsOf(changedAfter.all({ seq, limit })),
        chars,
        ({ body, reason }) => (body?.length ?? 0) + (reason?.length ?? 0),
      ),
    /** The newest position in the sequence that a message has; 0 without messages. */
    newestSeq: () => newestSeq.get()?.n ?? 0,
    /** Dead and held messages, newest first, each read when it is asked for. */
    stuck: (before: number, limit: number): Iterable<ListedMessage> => rowsOf(stuck.all({ before, limit })),
    /** Removes the bodies of old delivered messages, and their words from the search. */
    prune(olderThan: number): number {
      forget.run(olderThan);
      return prune.run(olderThan).changes;
    },
  };
}
