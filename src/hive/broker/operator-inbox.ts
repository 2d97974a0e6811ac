import type { MessageRow } from "../../store/messages.ts";
import type { Store } from "../../store/store.ts";
import type { MessageView } from "../../wire/message.ts";
import type { Output, Parsed } from "../../wire/operations.ts";

/** Where the operator's own reading position is kept. */
const READ_UP_TO = "operator_read_up_to";
/** The end of any listing that starts at the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/** The operator's inbox: the history itself, and a position up to which it has been read. */
export class OperatorInbox {
  readonly #store: Pick<Store, "messages" | "meta" | "write">;
  readonly #viewOf: (row: MessageRow) => MessageView;
  readonly #changed: () => void;
  /** What has not been read, counted once and kept. undefined: to be counted. */
  #unread: number | undefined;

  constructor(store: Pick<Store, "messages" | "meta" | "write">, viewOf: (row: MessageRow) => MessageView, changed: () => void) {
    this.#store = store;
    this.#viewOf = viewOf;
    this.#changed = changed;
  }

  list(query: Parsed<"inbox">): Output<"inbox"> {
    const readUpTo = this.readUpTo();
    const rows = this.#store.messages.newestToOperator(query.before ?? NEWEST, query.limit);
    const wanted = query.unread === true ? rows.filter((row) => row.id > readUpTo) : rows;
    return { messages: wanted.map(this.#viewOf), unread: this.unread(), read_up_to: readUpTo };
  }

  /** Moves the position forward; it never goes back. */
  async markRead(upTo: number): Promise<{ unread: number }> {
    await this.#store.write(() => {
      if (upTo > this.readUpTo()) this.#store.meta.set(READ_UP_TO, String(upTo));
    });
    this.#unread = undefined;
    this.#changed();
    return { unread: this.unread() };
  }

  /** A message to the operator was stored. */
  arrived(): void {
    if (this.#unread !== undefined) this.#unread++;
  }

  /** The id up to which the operator has read. */
  readUpTo(): number {
    return Number(this.#store.meta.get(READ_UP_TO) ?? 0);
  }

  unread(): number {
    this.#unread ??= this.#store.messages.toOperatorAfter(this.readUpTo());
    return this.#unread;
  }
}
