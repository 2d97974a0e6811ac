import { ftsQuery } from "../store/search.ts";
import { within } from "../lib/within.ts";
import type { ListedMessage } from "../store/messages.ts";
import type { Store } from "../store/store.ts";
import { HiveError } from "../wire/error.ts";
import { MAX_LISTING_BYTES } from "../wire/limits.ts";
import type { MessageView } from "../wire/message.ts";
import type { Output, Parsed } from "../wire/operations.ts";
import type { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import { messageView, wholeMessage } from "./view.ts";

/** Above every id: a listing that starts here starts at the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER;

/** The messages of a listing, and whether there are more. */
export type Page = Output<"messages">;

export interface MessageHistoryDeps {
  store: Pick<Store, "messages" | "search">;
  directory: Pick<Directory, "nameOf">;
  broker: Pick<Broker, "queued">;
}

/** Queries that read messages and change none: search, an inbox, stuck messages. */
export class MessageHistory {
  readonly #store: Pick<Store, "messages" | "search">;
  readonly #nameOf: (id: string) => string;
  readonly #queued: (inbox: string) => readonly number[];

  constructor({ store, directory, broker }: MessageHistoryDeps) {
    this.#store = store;
    this.#nameOf = directory.nameOf;
    this.#queued = (inbox) => broker.queued(inbox);
  }

  /** Messages that contain all of these words, newest first. With `who`, only those to or from that principal. */
  search(query: Pick<Parsed<"search">, "words" | "limit" | "before">, who?: string): Page {
    const words = ftsQuery(query.words);
    if (words === undefined) return { messages: [] };
    return this.#page(this.#store.search.find(words, query.limit + 1, query.before, who), query.limit);
  }

  /** The newest messages, oldest first. With `who`, only those to or from that principal. */
  messages({ before = NEWEST, limit }: Pick<Parsed<"messages">, "before" | "limit">, who?: string, bytes?: number): Page {
    const { messages } = this.#store;
    const rows = who === undefined ? messages.newest(before, limit + 1) : messages.newestOf(who, before, limit + 1);
    return oldestFirst(this.#page(rows, limit, bytes));
  }

  /** Messages that are queued, held or leased in an inbox, oldest first. */
  waiting(inbox: string, limit: number): Page {
    const { messages } = this.#store;
    const ids = [...messages.waiting(inbox), ...this.#queued(inbox).slice(0, limit + 1)].sort((a, b) => a - b);
    return this.#page(messages.listed(ids.slice(0, limit + 1)), limit);
  }

  /** Dead and held messages of any age: the newest, oldest first. */
  stuck({ before = NEWEST, limit }: Pick<Parsed<"messages">, "before" | "limit">, bytes?: number): Page {
    return oldestFirst(this.#page(this.#store.messages.stuck(before, limit + 1), limit, bytes));
  }

  /** One message with all of its text. */
  whole(id: number): MessageView {
    const row = this.#store.messages.byId(id);
    if (!row) throw new HiveError("not_found", `there is no message ${id}`);
    return wholeMessage(row, this.#nameOf);
  }

  #page(rows: Iterable<ListedMessage>, limit: number, bytes = MAX_LISTING_BYTES): Page {
    const { rows: messages, more } = within(views(rows, this.#nameOf), { limit, bytes });
    return more ? { messages, more } : { messages };
  }
}

const oldestFirst = (page: Page): Page => ({ ...page, messages: page.messages.reverse() });

function* views(rows: Iterable<ListedMessage>, nameOf: (id: string) => string): Iterable<MessageView> {
  for (const row of rows) yield messageView(row, nameOf);
}
