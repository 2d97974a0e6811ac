import type { StateSnapshot } from "../../src/wire/event.ts";

/** The snapshot embedded in the page, valid as of its `seq`; undefined if the page has none. */
export function snapshotInPage(): StateSnapshot | undefined {
  const place = document.querySelector("#state");
  const json = place?.textContent ?? "";
  // Otherwise its text would stay in memory as long as the page.
  place?.remove();
  return json === "" ? undefined : (JSON.parse(json) as StateSnapshot);
}
