import type { StateSnapshot } from "../../wire/event.ts";

/**
 * The element of the app's page for its initial state. It is a data block, so the script policy does not apply to it.
 */
const OPEN = '<script type="application/json" id="state">';
const CLOSE = "</script>";

/**
 * The app's page with its initial state as JSON, so that the browser need not request it. Throws if the page has no
 * element for it.
 */
export function pageWithState(page: string, state: StateSnapshot): string {
  const at = page.indexOf(OPEN + CLOSE);
  if (at === -1) throw new Error("the app's page has no place for the state");
  const from = at + OPEN.length;
  // Without a "<" the JSON cannot end the block or begin an element.
  return page.slice(0, from) + JSON.stringify(state).replaceAll("<", "\\u003c") + page.slice(from);
}
