import { ftsQuery } from "../../store/search.ts";
import type { Store } from "../../store/store.ts";
import type { MessageView } from "../../wire/message.ts";
import type { Parsed } from "../../wire/operations.ts";
import { messageView } from "./view.ts";

/** Dead and held messages that are shown at once. With more than that, the newest. */
const MAX_STUCK = 200;

/** What looks back at messages and changes none: search, an inbox, what is stuck. */
export class MessageHistory {
  readonly #store: Pick<Store, "messages" | "search">;
  readonly #nameOf: (id: string) => string;

  constructor(store: Pick<Store, "messages" | "search">, nameOf: (id: string) => string) {
    this.#store = store;
    this.#nameOf = nameOf;
  }

  /** Messages that hold every one of these words, newest first; with `who` only to or from that principal. */
  search(query: Pick<Parsed<"search">, "words" | "limit" | "before">, who?: string): MessageView[] {
    const words = ftsQuery(query.words);
    if (words === undefined) return [];
    return this.#store.search.find(words, query.limit, query.before, who).map((row) => messageView(row, this.#nameOf));
  }

  /** What waits in an inbox or is in its turn, oldest first. */
  waiting(inbox: string, limit: number): MessageView[] {
    return this.#store.messages
      .open(inbox)
      .slice(0, limit)
      .map((row) => messageView(row, this.#nameOf));
  }

  /** Dead messages and held ones, however old. */
  stuck(): MessageView[] {
    return this.#store.messages.stuck(MAX_STUCK).map((row) => messageView(row, this.#nameOf));
  }
}
