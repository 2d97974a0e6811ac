import type { StateSnapshot } from "../../wire/event.ts";

/** The place in the app's page for the state that it starts with: a block of data, which no policy of scripts is about. */
const OPEN = '<script type="application/json" id="state">';
const CLOSE = "</script>";

/**
 * The app's page with what it starts with inside, as JSON: the browser need not ask for it once the code is there.
 * Throws where the page has no place for it.
 */
export function pageWithState(page: string, state: StateSnapshot): string {
  const at = page.indexOf(OPEN + CLOSE);
  if (at === -1) throw new Error("the app's page has no place for the state");
  const from = at + OPEN.length;
  // Without a "<" nothing can end the block or begin anything in it.
  return page.slice(0, from) + JSON.stringify(state).replaceAll("<", "\\u003c") + page.slice(from);
}
