import { within } from "../lib/within.ts";
import type { ListedMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import type { MessageView } from "../wire/message.ts";
import type { Output, Parsed } from "../wire/operations.ts";

/** Meta key of the operator's read position. */
const READ_UP_TO = "operator_read_up_to";
/** Above every id: a listing that starts here starts at the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/** The operator's inbox: the message history with a read position. */
export class OperatorInbox {
  readonly #store: Pick<Store, "messages" | "meta" | "write">;
  readonly #viewOf: (row: ListedMessage) => MessageView;
  readonly #changed: () => void;
  /** Number of unread messages, counted once and cached. Undefined until it is counted. */
  #unread: number | undefined;

  constructor(
    store: Pick<Store, "messages" | "meta" | "write">,
    viewOf: (row: ListedMessage) => MessageView,
    changed: () => void,
  ) {
    this.#store = store;
    this.#viewOf = viewOf;
    this.#changed = changed;
  }

  list(query: Parsed<"inbox">): Output<"inbox"> {
    const readUpTo = this.readUpTo();
    const rows = this.#store.messages.newestToOperator(query.before ?? NEWEST, query.limit + 1);
    const wanted = query.unread === true ? rows.filter((row) => row.id > readUpTo) : rows;
    const { rows: messages, more } = within(wanted.map(this.#viewOf), { limit: query.limit, bytes: MAX_LISTING_BYTES });
    return { messages: messages.reverse(), ...(more ? { more } : {}), unread: this.unread(), read_up_to: readUpTo };
  }

  /** Moves the read position forward, never back. */
  async markRead(upTo: number): Promise<{ unread: number }> {
    await this.#store.write(() => {
      if (upTo > this.readUpTo()) this.#store.meta.set(READ_UP_TO, String(upTo));
    });
    this.#unread = undefined;
    this.#changed();
    return { unread: this.unread() };
  }

  /** Records that a message to the operator was stored. */
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
