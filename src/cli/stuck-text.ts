import { hivectl } from "../lib/hivectl.ts";
import type { MessageView } from "../wire/message.ts";
import { clean, oneLine, type View } from "./print.ts";

/** Messages that only the operator can move, a line each, with the verbs that move them. */
export const stuckLines = (messages: readonly MessageView[], { paint }: Pick<View, "paint">): string[] =>
  messages.map(({ id, chain, from, to, state, reason }) => {
    const words = `message #${id} of ${clean(from)} to ${clean(to)} is ${state}`;
    const why = reason === undefined ? "" : ` (${oneLine(reason)})`;
    const way =
      state === "held" ? `${hivectl(`let-go ${chain}`)} lets its chain go on` : `${hivectl(`retry ${id}`)} delivers it again`;
    return `${paint(state === "held" ? "amber" : "red", words)}${why}: ${way}, ${hivectl(`drop ${id}`)} drops it`;
  });
