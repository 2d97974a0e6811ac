import type { Sqlite } from "./database.ts";
import type { MessageRow } from "./messages.ts";

/** What every message has of its own. */
const PLAIN = ["id", "seq", "sender", "recipient", "chain", "hops", "created_at", "updated_at", "body"] as const;
/** What few have when they are stored, or have otherwise than `AS_EVER` says. */
const SELDOM = [
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
/** What is the same for all plain messages, as SQL: it need not be bound. What is not here is null. */
const AS_EVER = { state: "'queued'", redelivered: "0", failures: "0" };

/** Rows that one statement takes, the most first: a row of sixteen costs two thirds of one alone, of more hardly less (measured). */
const ROWS_AT_ONCE = [16, 8, 4, 2, 1];

/**
 * The inserting of messages. Plain ones, which are only sent, are put off until the end of their group and given to SQLite
 * many in a statement. Until then no query sees them: whoever reads or changes what they may be among flushes first.
 */
export class MessageInserts {
  readonly #whole: { run(...values: unknown[]): unknown };
  readonly #plain: readonly { rows: number; statement: { run(...values: unknown[]): unknown } }[];
  /** The values of the rows that are put off, one row after the other. */
  #values: unknown[] = [];
  #first = Number.POSITIVE_INFINITY;

  constructor(db: Sqlite) {
    // By position: names are looked up one by one with every row.
    this.#whole = db.prepare(insertOf([...PLAIN, ...SELDOM], {}, 1));
    this.#plain = ROWS_AT_ONCE.map((rows) => ({ rows, statement: db.prepare(insertOf(PLAIN, AS_EVER, rows)) }));
  }

  /** Stores a row, or puts it off. Only inside a write. */
  add(row: MessageRow): void {
    if (!isPlain(row)) return void this.#whole.run(...plainOf(row), ...seldomOf(row));
    if (this.#values.length === 0) this.#first = row.id;
    this.#values.push(...plainOf(row));
  }

  /** Rows that are put off. */
  get count(): number {
    return this.#values.length / PLAIN.length;
  }

  /** True when the message with this id may be put off. Ids rise. */
  mayHold(id: number): boolean {
    return id >= this.#first;
  }

  /** Gives SQLite what is put off. Throws what it says; the rows are then as good as dropped. */
  flush(): void {
    if (this.#values.length === 0) return;
    const values = this.#values;
    this.drop();
    let from = 0;
    for (const { rows, statement } of this.#plain) {
      for (const size = rows * PLAIN.length; values.length - from >= size; from += size) {
        // As arguments: an array that is one is read by the binding element by element, at a multiple of the cost.
        statement.run(...values.slice(from, from + size));
      }
    }
  }

  /** Forgets what is put off: its group came to nothing. */
  drop(): void {
    this.#values = [];
    this.#first = Number.POSITIVE_INFINITY;
  }
}

/** In the order of `PLAIN`. */
function plainOf(row: MessageRow) {
  const { id, seq, sender, recipient, chain, hops, created_at, updated_at, body } = row;
  return [id, seq, sender, recipient, chain, hops, created_at, updated_at, body] as const;
}

/** In the order of `SELDOM`. */
function seldomOf(row: MessageRow) {
  const { state, label, client_id, in_reply_to, instance, token, redelivered, failures, reason, notice } = row;
  return [state, label, client_id, in_reply_to, instance, token, redelivered, failures, reason, notice] as const;
}

/** True for a message that is only sent and waits: binding what it does not have would be a tenth of the cost of its insert. */
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
