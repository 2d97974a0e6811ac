import type { Sqlite } from "./database.ts";
import type { MessageRow } from "./messages.ts";

/** Columns that every message sets. */
const PLAIN_COLUMNS = ["id", "seq", "sender", "recipient", "chain", "hops", "created_at", "updated_at", "body"] as const;
/** Columns that few messages set on insert. */
const RARE_COLUMNS = [
  "state",
  "label",
  "client_id",
  "in_reply_to",
  "instance",
  "token",
  "redelivered",
  "failures",
  "reason",
  "notice",
] as const;
/** Values that all plain messages share, as SQL, so they need not be bound. Other columns are null. */
const DEFAULTS = { state: "'queued'", redelivered: "0", failures: "0" };

/**
 * Rows per statement, largest first. In a statement of sixteen, a row costs two thirds of a lone one; more rows gain
 * little (measured).
 */
const ROWS_AT_ONCE = [16, 8, 4, 2, 1];

/**
 * Inserts messages. Plain messages, which are only sent, are deferred to the end of their group and inserted many per
 * statement. No statement sees them until then: `gate.ts` inserts them before a query that could.
 */
export class MessageInserts {
  readonly #whole: { run(...values: unknown[]): unknown };
  readonly #plain: readonly { rows: number; statement: { run(...values: unknown[]): unknown } }[];
  /** The values of the deferred rows, row after row. */
  #values: unknown[] = [];
  #first = Number.POSITIVE_INFINITY;

  constructor(db: Sqlite) {
    // Bound by position: named parameters are looked up for every row.
    this.#whole = db.prepare(insertOf([...PLAIN_COLUMNS, ...RARE_COLUMNS], {}, 1));
    this.#plain = ROWS_AT_ONCE.map((rows) => ({ rows, statement: db.prepare(insertOf(PLAIN_COLUMNS, DEFAULTS, rows)) }));
  }

  /** Stores or defers a row. Only inside a write. */
  add(row: MessageRow): void {
    if (!isPlain(row)) return void this.#whole.run(...plainOf(row), ...seldomOf(row));
    if (this.#values.length === 0) this.#first = row.id;
    this.#values.push(...plainOf(row));
  }

  /** Number of deferred rows. */
  get count(): number {
    return this.#values.length / PLAIN_COLUMNS.length;
  }

  /** True if the message with this id may be deferred. Ids increase. */
  mayHold(id: number): boolean {
    return id >= this.#first;
  }

  /** Inserts the deferred rows. If it throws, they are discarded. */
  flush(): void {
    if (this.#values.length === 0) return;
    const values = this.#values;
    this.drop();
    let from = 0;
    for (const { rows, statement } of this.#plain) {
      for (const size = rows * PLAIN_COLUMNS.length; values.length - from >= size; from += size) {
        // As separate arguments: better-sqlite3 reads an array argument element by element, at a multiple of the cost.
        statement.run(...values.slice(from, from + size));
      }
    }
  }

  /** Discards the deferred rows after their group was undone. */
  drop(): void {
    this.#values = [];
    this.#first = Number.POSITIVE_INFINITY;
  }
}

/** In the order of `PLAIN_COLUMNS`. */
function plainOf(row: MessageRow) {
  const { id, seq, sender, recipient, chain, hops, created_at, updated_at, body } = row;
  return [id, seq, sender, recipient, chain, hops, created_at, updated_at, body] as const;
}

/** In the order of `RARE_COLUMNS`. */
function seldomOf(row: MessageRow) {
  const { state, label, client_id, in_reply_to, instance, token, redelivered, failures, reason, notice } = row;
  return [state, label, client_id, in_reply_to, instance, token, redelivered, failures, reason, notice] as const;
}

/**
 * True for a message that is only sent and queued. Binding its empty columns would be a tenth of the cost of the
 * insert.
 */
function isPlain(row: MessageRow): boolean {
  return (
    row.state === "queued" &&
    row.label === null &&
    row.client_id === null &&
    row.in_reply_to === null &&
    row.token === null &&
    row.instance === null &&
    row.reason === null &&
    row.notice === null &&
    row.redelivered === 0 &&
    row.failures === 0
  );
}

function insertOf(given: readonly string[], asEver: Readonly<Record<string, string>>, rows: number): string {
  const row = `(${[...given.map(() => "?"), ...Object.values(asEver)].join(", ")})`;
  return `INSERT INTO messages (${[...given, ...Object.keys(asEver)].join(", ")}) VALUES ${Array<string>(rows).fill(row).join(", ")}`;
}
