import { ftsQuery } from "../store/search.ts";
import type { Store } from "../store/store.ts";
import type { MessageView } from "../wire/message.ts";
import type { Parsed } from "../wire/operations.ts";
import type { Broker } from "./broker.ts";
import type { Directory } from "./directory.ts";
import { messageView } from "./view.ts";

/** Above every id: a listing that starts here starts at the newest. */
const NEWEST = Number.MAX_SAFE_INTEGER;
/** Dead and held messages in one listing; the newest if there are more. */
const MAX_STUCK = 200;

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

  /** Messages that contain every one of these words, newest first; with `who` only those to or from that principal. */
  search(query: Pick<Parsed<"search">, "words" | "limit" | "before">, who?: string): MessageView[] {
    const words = ftsQuery(query.words);
    if (words === undefined) return [];
    return this.#store.search.find(words, query.limit, query.before, who).map((row) => messageView(row, this.#nameOf));
  }

  /** The newest messages, oldest first; with `who` only those to or from that principal. */
  messages({ before = NEWEST, limit }: Pick<Parsed<"messages">, "before" | "limit">, who?: string): MessageView[] {
    const { messages } = this.#store;
    const rows = who === undefined ? messages.newest(before, limit) : messages.newestOf(who, before, limit);
    return rows.map((row) => messageView(row, this.#nameOf));
  }

  /** Messages that are queued, held or leased in an inbox, oldest first. */
  waiting(inbox: string, limit: number): MessageView[] {
    const { messages } = this.#store;
    const queued = this.#queued(inbox).slice(0, limit);
    return [...messages.leased(inbox), ...messages.held(inbox), ...queued.flatMap((id) => messages.byId(id) ?? [])]
      .sort((a, b) => a.id - b.id)
      .slice(0, limit)
      .map((row) => messageView(row, this.#nameOf));
  }

  /** Dead and held messages of any age. */
  stuck(): MessageView[] {
    return this.#store.messages.stuck(MAX_STUCK).map((row) => messageView(row, this.#nameOf));
  }
}
